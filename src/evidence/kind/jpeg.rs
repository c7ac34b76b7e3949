//! Where a JPEG ends. Decoders are lenient and paint what is missing grey; a photo of which half is grey proves nothing.

/// The byte behind the end-of-image marker of the first picture; nothing where there is none.
pub(super) fn end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2_usize;
    loop {
        // Any number of 0xFF may stand before a marker.
        let mut marker = *bytes.get(at)?;
        if marker != 0xFF {
            return None;
        }
        while marker == 0xFF {
            at = at.checked_add(1)?;
            marker = *bytes.get(at)?;
        }
        at = at.checked_add(1)?;
        match marker {
            0xD9 => return Some(at),
            // Without a length: start of image, restarts, TEM.
            0xD8 | 0xD0..=0xD7 | 0x01 => {}
            _ => {
                let two = bytes.get(at..at.checked_add(2)?)?;
                let length = usize::from(u16::from_be_bytes(two.try_into().ok()?));
                at = at.checked_add(length.max(2))?;
                if marker == 0xDA {
                    at = behind_scan(bytes, at)?;
                }
            }
        }
    }
}

/// The next marker behind entropy-coded data, where 0xFF stands for itself before a zero, and restarts belong to it.
fn behind_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let scan = bytes.get(from..)?;
    let found = scan
        .windows(2)
        .position(|pair| matches!(pair, [0xFF, after] if !matches!(after, 0x00 | 0xD0..=0xD7 | 0xFF)))?;
    from.checked_add(found)
}
