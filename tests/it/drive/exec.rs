//! The process provider, with real processes.

use interpret::data;

use super::*;

#[test]
fn a_process_gets_its_arguments_its_input_and_a_clean_environment() {
    block_on(async {
        let target = Target::Exec {
            command: literal(data!([
                "sh",
                "-c",
                "cat; printf '|%s|' \"$1\" \"$GIVEN\"; env",
                "sh",
                "a b; $HOME"
            ])),
            env: Some(Build::Map(vec![("GIVEN".into(), build("{{ secrets.TOKEN }}!"))])),
            stdin: Some(literal(data!({ "n": 1 }))),
            stdout: Stdout::Text,
        };
        let text = result(&driver(permit()), single(call(target))).await;
        let text = text.as_str().unwrap();
        assert!(text.starts_with("{\"n\":1}|a b; $HOME||[secret TOKEN]!|"), "{text}");
        assert!(text.contains("INTERPRET_IDEMPOTENCY_KEY=r1/only#1\n"), "{text}");
        assert!(!text.contains("CARGO"), "{text}");
    });
}

#[test]
fn a_process_that_fails_says_how() {
    block_on(async {
        let target = exec(&["sh", "-c", "echo some >&2; echo why >&2; exit 3"]);
        let failed = failure(&driver(permit()), single(call(target))).await;
        assert_eq!(&*failed.code, "exec.exit");
        assert_eq!(&*failed.message, "`sh` exited with 3: why");
        assert_eq!(failed.data, data!({ "status": 3, "stderr": "some\nwhy\n" }));
        let killed = failure(&driver(permit()), single(call(exec(&["sh", "-c", "kill -9 $$"])))).await;
        assert_eq!(killed.data, data!({ "status": null, "signal": 9, "stderr": "" }));
    });
}

#[test]
fn a_program_that_is_not_there_is_named() {
    block_on(async {
        for program in ["no-such-program", "./no/such/program"] {
            let failure = failure(&driver(permit()), single(call(exec(&[program])))).await;
            assert_eq!(&*failure.code, "exec.notFound");
            assert!(failure.message.contains(program));
        }
    });
}

#[test]
fn a_program_that_is_not_permitted_does_not_start() {
    block_on(async {
        let failure = failure(&driver(Permit::nothing()), single(call(exec(&["true"])))).await;
        assert_eq!(&*failure.code, "permission.exec");
        assert!(failure.message.contains("`--allow-exec=true`"), "{}", failure.message);
    });
}

#[test]
fn a_permitted_name_means_the_program_of_this_path_only() {
    block_on(async {
        let folder = std::env::temp_dir();
        let target = Target::Exec {
            command: literal(data!(["sh", "-c", "echo \"$PATH\""])),
            env: Some(literal(data!({ "PATH": folder.to_str().unwrap() }))),
            stdin: None,
            stdout: Stdout::Text,
        };
        // It still is the shell, though there is none in that folder.
        let permit = Permit::nothing().allow_exec(Some("sh"));
        assert_eq!(
            result(&driver(permit.clone()), single(call(target))).await,
            data!(folder.to_str().unwrap())
        );
        let preloaded = Target::Exec {
            command: literal(data!(["sh", "-c", "true"])),
            env: Some(literal(data!({ "LD_PRELOAD": "/tmp/evil.so" }))),
            stdin: None,
            stdout: Stdout::Text,
        };
        assert_eq!(
            &*failure(&driver(permit), single(call(preloaded))).await.code,
            "permission.exec"
        );
    });
}

#[test]
fn output_is_bounded_and_input_need_not_be_read() {
    block_on(async {
        let large = failure(
            &driver(permit()),
            single(call(exec(&["sh", "-c", "head -c 17000000 /dev/zero"]))),
        )
        .await;
        assert_eq!(&*large.code, "exec.tooLarge");
        let noisy = exec(&[
            "sh",
            "-c",
            "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1",
        ]);
        let noisy = failure(&driver(permit()), single(call(noisy))).await;
        let stderr = noisy.data.get("stderr").and_then(Data::as_str).unwrap();
        assert_eq!((stderr.len(), stderr.ends_with("xend\n")), (64 << 10, true));
        let deaf = Target::Exec {
            command: literal(data!(["sh", "-c", "exit 0"])),
            env: None,
            stdin: Some(literal(Data::from("x".repeat(1 << 20)))),
            stdout: Stdout::Auto,
        };
        assert_eq!(result(&driver(permit()), single(call(deaf))).await, Data::Null);
    });
}
