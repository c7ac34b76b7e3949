//! What is not taken: of others, of another length, at another place, too much, in another language.

use super::*;

both_engines! {
    async fn what_is_too_large_is_refused_and_nothing_of_it_is_kept(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "large", &content).await;
        let other = app.send(beginning(app, WHO, &evidence, 101)).await.expect(422);
        assert_eq!(other.faults(), [("Upload-Length".to_owned(), "differs".to_owned())]);
        app.send(beginning(app, WHO, &evidence, (20 << 20) + 1)).await.expect(413);
        let path = begun(app, &evidence, 100).await;
        let mut much = content.clone();
        much.push(0);
        assert_eq!(add(app, &path, 0, &much).await.expect(413).code(), "body_too_large");
        // The same in chunks, which do not say how long they are.
        let mut stream = raw_head(app, &path, 0, "transfer-encoding: chunked\r\n").await;
        for chunk in much.chunks(50) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            stream.write_all(&[chunk, b"\r\n"].concat()).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 413");
        assert_eq!(offset(app, &path).await, 0);
        add(app, &path, 0, &content).await.expect(204);
    }

    async fn an_upload_is_its_owners_alone(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "mine", &content).await;
        let path = begun(app, &evidence, 100).await;
        let absent = format!("/uploads/{}", built_in("nothing"));
        for who in ["inspector2", "office", "b.office"] {
            let theirs = app.send(piece(app, who, &path, 0, &content)).await.expect(404);
            let none = app.send(piece(app, who, &absent, 0, &content)).await.expect(404);
            assert_eq!(theirs.text, none.text);
            app.send(tus(app, who, Method::HEAD, &path)).await.expect(404);
            app.send(tus(app, who, Method::DELETE, &path)).await.expect(404);
        }
        app.send(beginning(app, "b.office", &evidence, 100)).await.expect(404);
        assert_eq!(offset(app, &path).await, 0);
        // A colleague of the team may send it too: that is another upload.
        let theirs = place(&app.send(beginning(app, "inspector2", &evidence, 100)).await.expect(201));
        assert_ne!(theirs, path);
        app.send(piece(app, "inspector2", &theirs, 0, &content)).await.expect(204);
    }

    async fn a_content_that_was_not_declared_ends_its_upload(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "forged", &content).await;
        let path = begun(app, &evidence, 100).await;
        let mut other = content.clone();
        other[99] ^= 1;
        let answer = add(app, &path, 0, &other).await.expect(422);
        assert_eq!((answer.code(), answer.faults().len()), ("wrong_hash", 1));
        look(app, &path).await.expect(404);
        assert!(!received(app, &evidence).await);
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>".to_vec();
        let evidence = awaited(app, &visit, "svg", &svg).await;
        let path = begun(app, &evidence, svg.len()).await;
        assert!(matches!(add(app, &path, 0, &svg).await.status, 415 | 422));
        assert!(!received(app, &evidence).await);
    }

    async fn another_version_of_tus_is_refused(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "version", &content).await;
        let path = begun(app, &evidence, 100).await;
        for version in ["", "0.2.2", "2.0.0"] {
            let request = app.request(WHO, Method::PATCH, &path).header("upload-offset", 0).header("content-type", PIECE);
            let request = if version.is_empty() { request } else { request.header("tus-resumable", version) };
            let answer = app.send(request.body(content.clone())).await.expect(412);
            assert_eq!((answer.code(), answer.header("tus-version")), ("unsupported_tus_version", "1.0.0"));
        }
        assert_eq!(offset(app, &path).await, 0);
    }

    async fn what_may_be_under_way_is_bounded(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let mut last = String::new();
        for number in 0..20 {
            let evidence = awaited(app, &visit, &format!("many {number}"), &content).await;
            last = begun(app, &evidence, 100).await;
            assert_eq!(begun(app, &evidence, 100).await, last, "beginning again is the same");
        }
        let evidence = awaited(app, &visit, "one too many", &content).await;
        let answer = app.send(beginning(app, WHO, &evidence, 100)).await.expect(429);
        assert_eq!((answer.code(), answer.header("retry-after")), ("too_many_uploads", "60"));
        add(app, &last, 0, &content).await.expect(204);
        let path = begun(app, &evidence, 100).await;
        app.send(tus(app, WHO, Method::DELETE, &path)).await.expect(204);
        // A bureau whose uploads would fill the disk: one byte less is room.
        let mut conn = app.connect();
        let now = Timestamp::from(crate::support::district::start_time());
        let open: i64 = 19 * 100;
        let full = (20_i64 << 30) - open - 100;
        diesel::insert_into(uploads::table)
            .values((
                (uploads::id.eq(built_in("full")), uploads::created_at.eq(now), uploads::updated_at.eq(now)),
                (uploads::expires_at.eq(now + TimeDelta::days(1)), uploads::evidence_id.eq(built_in("x"))),
                (uploads::user_id.eq(user("office")), uploads::bureau_id.eq(org("a")), uploads::length.eq(full + 1)),
                (uploads::received.eq(0_i64), uploads::done.eq(false), uploads::metadata.eq("")),
            ))
            .execute(&mut conn)
            .unwrap();
        app.send(beginning(app, WHO, &evidence, 100)).await.expect(429);
        diesel::update(uploads::table.find(built_in("full"))).set(uploads::length.eq(full)).execute(&mut conn).unwrap();
        begun(app, &evidence, 100).await;
    }

    async fn metadata_that_names_no_evidence_is_told_so(app) {
        for metadata in ["", "filename YQ==", "evidence_id !!", "evidence_id bm8=", "a b c"] {
            let request = tus(app, WHO, Method::POST, "/uploads").header("upload-length", 1);
            let answer = app.send(request.header("upload-metadata", metadata)).await.expect(400);
            assert_eq!(answer.faults()[0].0, "Upload-Metadata", "{metadata}");
        }
        let unknown = STANDARD.encode(built_in("nothing").to_string());
        let request = tus(app, WHO, Method::POST, "/uploads").header("upload-length", 1);
        app.send(request.header("upload-metadata", format!("evidence_id {unknown}"))).await.expect(404);
    }

    async fn a_piece_with_a_wrong_checksum_is_discarded(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "checksum", &content).await;
        let path = begun(app, &evidence, 100).await;
        let first = |checksum: String| piece(app, WHO, &path, 0, &content[..40]).header("upload-checksum", checksum);
        assert_eq!(app.send(first(sha256(b"other"))).await.expect(460).code(), "checksum_mismatch");
        assert_eq!(offset(app, &path).await, 0);
        let sha1 = STANDARD.encode([0_u8; 20]);
        app.send(first(format!("sha1 {sha1}"))).await.expect(460);
        let unknown = app.send(first("md5 AAAAAAAAAAAAAAAAAAAAAA==".into())).await.expect(400);
        assert_eq!(unknown.faults(), [("Upload-Checksum".to_owned(), "invalid_format".to_owned())]);
        app.send(first(sha256(&content[..40]))).await.expect(204);
        // A broken piece cannot be checked: nothing of it counts.
        let more = format!("upload-checksum: {}\r\n", sha256(&content[40..]));
        let mut stream = raw(app, &path, 40, 60, &more).await;
        stream.write_all(&content[40..80]).await.unwrap();
        drop(stream);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(offset(app, &path).await, 40);
        let rest = piece(app, WHO, &path, 40, &content[40..]).header("upload-checksum", sha256(&content[40..]));
        patiently(app, rest).await.expect(204);
        assert!(received(app, &evidence).await);
    }

    async fn a_piece_for_another_place_is_told_where_the_upload_is(app) {
        let visit = under_way(app).await;
        let content = paper(100);
        let evidence = awaited(app, &visit, "offset", &content).await;
        let path = begun(app, &evidence, 100).await;
        add(app, &path, 0, &content[..30]).await.expect(204);
        for wrong in [0, 29, 31, 100, 5000] {
            let answer = add(app, &path, wrong, &content[..10]).await.expect(409);
            assert_eq!((answer.code(), &answer.body["current"]["offset"]), ("offset_conflict", &json!(30)), "{wrong}");
        }
        let without = tus(app, WHO, Method::PATCH, &path).header("content-type", PIECE).body(vec![1]);
        assert_eq!(app.send(without).await.expect(400).faults(), [("Upload-Offset".to_owned(), "required".to_owned())]);
        let unlike = piece(app, WHO, &path, 30, b"").header("upload-offset", "-1");
        app.send(unlike).await.expect(400);
        let json = tus(app, WHO, Method::PATCH, &path).header("upload-offset", 30).json(&json!({}));
        app.send(json).await.expect(415);
        assert_eq!(offset(app, &path).await, 30);
    }
}
