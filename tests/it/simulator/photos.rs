//! Photos: their content is handed in whole, wrong, or broken off.

use anxiao::platform::files::ContentHash;
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use super::sim::Sim;
use crate::evidence::{multipart, picture};

/// What is declared of a file.
pub fn declaration(bytes: &[u8], target: Value) -> Value {
    json!({
        "sha256": ContentHash::of(bytes).to_string(), "bytes": bytes.len(), "media_type": "image/png", "target": target,
    })
}

impl Sim {
    /// A small picture; now and then one that was taken before.
    pub fn picture(&mut self) -> Vec<u8> {
        let width = u32::try_from(self.dice.from(8, 24)).unwrap();
        let shade = u8::try_from(self.dice.from(0, 200)).unwrap();
        picture(width, 8, ImageFormat::Png, shade)
    }

    /// Sends photos that a phone has not sent.
    pub async fn send_photos(&mut self, place: usize, mishaps: bool) {
        let waiting: Vec<usize> =
            (0..self.phones[place].photos.len()).filter(|one| !self.phones[place].photos[*one].sent).collect();
        for one in waiting {
            if !mishaps || self.dice.often(60) {
                self.send_photo(place, one, mishaps).await;
            }
        }
    }

    async fn send_photo(&mut self, place: usize, one: usize, mishaps: bool) {
        let photo = self.phones[place].photos[one].clone();
        let who = self.phones[place].who;
        let good = photo.bytes.clone();
        let (sent, how) = match self.dice.below(100) {
            0..12 if mishaps => (self.picture(), "another picture"),
            12..20 if mishaps => (good[..self.dice.below(good.len())].to_vec(), "half of it"),
            _ => (good.clone(), "all of it"),
        };
        let (media, mut body) = multipart(&sent);
        let cut = mishaps && self.dice.often(12);
        if cut {
            body.truncate(self.dice.below(body.len() - 8));
        }
        let lost = mishaps && self.dice.often(15);
        let request = self.app().request("", Method::POST, &format!("/evidence/{}/content", photo.id));
        let request = request.bearer_auth(self.token(who)).header("content-type", media).body(body);
        let answer = self.app().send(request).await;
        self.say(format!(
            "{who} sends {how} of photo {}{}: {}",
            photo.id,
            if cut { ", cut off" } else { "" },
            answer.status
        ));
        self.count("photos", 1);
        let whole = sent == good && !cut;
        match answer.status {
            200 => {
                assert!(
                    whole,
                    "G6: a content was taken that is not what was declared ({how}, cut {cut}): {}",
                    answer.text
                );
                assert_eq!(answer.body["state"], "received", "{}", answer.text);
                let hash = answer.body["sha256"].as_str().unwrap().to_owned();
                assert_eq!(hash, ContentHash::of(&good).to_string(), "G6: another hash");
                self.handed_in.insert(hash.clone());
                self.oracle.received.insert(photo.id.clone(), hash);
                self.count("received", 1);
                if !lost {
                    self.phones[place].photos[one].sent = true;
                }
            }
            // Not declared yet, out of sight, or not theirs to send any more.
            401 | 403 | 404 | 409 => {}
            422 | 400 | 415 => assert!(!whole, "G6: a content was refused that is what was declared: {}", answer.text),
            429 | 503 => {}
            status => panic!("a photo ended with {status}: {}", answer.text),
        }
    }
}
