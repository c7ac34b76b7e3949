//! Conventions that hold everywhere: strict input, problems, headers, limits.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

both_engines! {
    async fn health_and_keys_are_public_and_figures_are_elsewhere(app) {
        for path in ["//health/live", "//health/ready", "//.well-known/jwks.json", "//docs", "/meta", "/openapi.json"] {
            app.get("", path).await.expect(200);
        }
        app.get("", "//metrics").await.expect(404);
    }

    async fn every_answer_carries_the_security_headers(app) {
        for path in ["/me", "/nowhere", "//docs", "/meta"] {
            let answer = app.get("", path).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
            assert!(!answer.header("x-request-id").is_empty(), "{path}");
        }
    }

    async fn problems_speak_chinese_unless_english_is_preferred(app) {
        let zh = app.send(app.request("", Method::GET, "/me").header("accept-language", "zh-CN")).await;
        assert_eq!(zh.header("content-type"), "application/problem+json");
        let en = app.get("", "/me").await.expect(401);
        assert_eq!(en.body["title"], "Sign in first");
        assert_eq!(en.code(), "unauthenticated");
    }

    async fn another_method_is_405_with_allow(app) {
        let answer = app.delete("officer1", "/me").await.expect(405);
        assert_eq!(answer.header("allow"), "GET");
        app.get("officer1", "/no-such-thing").await.expect(404);
    }

    async fn bodies_are_read_strictly(app) {
        let send = async |body: &'static str| {
            let request = app.request("", Method::POST, "/auth/login").header("content-type", "application/json").body(body);
            app.send(request).await
        };
        assert_eq!(send("{\"username\": ").await.expect(400).faults()[0].1, "invalid_json");
        assert_eq!(send("{\"username\":\"a\",\"password\":\"b\",\"admin\":true}").await.expect(400).faults(), [("/admin".into(), "unknown_field".into())]);
        assert_eq!(send("{\"username\":1,\"password\":\"b\"}").await.expect(400).faults(), [("/username".into(), "wrong_type".into())]);
        assert_eq!(send("{\"username\":\"a\",\"username\":\"b\",\"password\":\"c\"}").await.expect(400).faults()[0].1, "duplicate_field");
        assert_eq!(send("{}").await.expect(422).faults(), [("/password".into(), "required".into()), ("/username".into(), "required".into())]);
        assert_eq!(send("{\"username\":\"a\\u0000b\",\"password\":\"c\"}").await.expect(422).faults(), [("/username".into(), "control_character".into())]);
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        let request = app.request("", Method::POST, "/auth/login").header("content-type", "application/json").body(deep);
        assert_eq!(app.send(request).await.expect(400).faults()[0].1, "too_deep");
        let request = app.request("", Method::POST, "/auth/login").header("content-type", "text/plain").body("{}");
        app.send(request).await.expect(415);
        let request = app.request("", Method::POST, "/auth/login").header("content-type", "application/json").header("content-encoding", "gzip").body("x");
        app.send(request).await.expect(415);
    }

    async fn a_body_of_ten_megabytes_is_413(app) {
        let body = format!("{{\"username\":\"{}\"}}", "a".repeat(10 << 20));
        let request = app.request("", Method::POST, "/auth/login").header("content-type", "application/json").body(body);
        // The server may close before all is sent; what it says is 413.
        match request.send().await {
            Ok(response) => assert_eq!(response.status().as_u16(), 413),
            Err(error) => assert!(error.is_request() || error.is_body(), "{error}"),
        }
    }

    async fn a_stranger_is_told_401_before_the_body_is_looked_at(app) {
        let request = app.request("", Method::POST, "/auth/password").header("content-type", "application/json").body("not json");
        app.send(request).await.expect(401);
    }

    async fn somebody_with_a_one_time_password_may_only_change_it(app) {
        app.get("newcomer", "/me").await.expect(200);
        assert_eq!(app.get("newcomer", "/orgs").await.expect(403).code(), "password_change_required");
    }

    async fn methods_can_be_overridden_by_post_only(app) {
        let session = crate::support::district::session("officer1");
        let path = format!("/auth/sessions/{session}");
        let get = app.request("officer1", Method::GET, &path).header("x-http-method-override", "DELETE");
        app.send(get).await.expect(400);
        let bad = app.request("officer1", Method::POST, &path).header("x-http-method-override", "TRACE");
        app.send(bad).await.expect(400);
        let post = app.request("officer1", Method::POST, &path).header("x-http-method-override", "DELETE");
        app.send(post).await.expect(204);
    }

    async fn an_address_of_nine_kilobytes_is_414(app) {
        app.get("officer1", &format!("/me?x={}", "a".repeat(9000))).await.expect(414);
    }
}

#[test]
#[ignore = "waits for the body deadline of 20 seconds; run by `make test-slow`"]
fn a_stalled_body_is_cut_off() {
    crate::support::TestApp::run(crate::support::Engine::Sqlite, async |app| {
        let address = app.base.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(std::time::Duration::from_secs(30), stream.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    });
}
