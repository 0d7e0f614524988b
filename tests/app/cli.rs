//! The commands, as an operator runs them: the built program, its output and its exit code.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `fairway` with its data in `dir` and `input` on standard input.
fn fairway(dir: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("FAIRWAY_DATA_DIR", dir.join("data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that does not read may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// One sentence on standard error, nothing on standard output, exit code 1.
fn assert_refused(output: &Output, with: &str) {
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(output), "");
    assert_eq!(err(output).trim_end().lines().count(), 1, "{}", err(output));
    assert!(err(output).contains(with), "{}", err(output));
}

const ANN: &[&str] = &[
    "user",
    "create",
    "--email",
    "ann@club.example",
    "--role",
    "admin",
    "--password-stdin",
];

#[test]
fn a_user_is_made_once_with_a_password_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    assert_refused(&fairway(dir.path(), ANN, "short\n"), "At least 12 characters");
    assert_refused(&fairway(dir.path(), ANN, ""), "no password");
    let made = fairway(dir.path(), ANN, "correct horse battery staple\n");
    assert!(made.status.success(), "{}", err(&made));
    assert_eq!(out(&made), "");
    let again = fairway(dir.path(), ANN, "correct horse battery staple\n");
    assert_refused(&again, "is staff already");
}

#[test]
fn a_user_without_a_password_is_given_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let made = fairway(dir.path(), &ANN[..6], "");
    assert!(made.status.success(), "{}", err(&made));
    assert!(
        out(&made).starts_with("http://127.0.0.1:8080/join/"),
        "{}",
        out(&made)
    );
    assert_eq!(out(&made).lines().count(), 1);
}

#[test]
fn a_key_is_alone_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let made = fairway(
        dir.path(),
        &["key", "create", "--name", "web", "--role", "manager"],
        "",
    );
    assert!(made.status.success(), "{}", err(&made));
    assert!(
        out(&made).starts_with("fw_") && out(&made).lines().count() == 1,
        "{}",
        out(&made)
    );
    let owner = fairway(
        dir.path(),
        &["key", "create", "--name", "web", "--role", "owner"],
        "",
    );
    assert_refused(&owner, "viewer, manager or admin");
}

#[test]
fn what_is_mistyped_is_said_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    assert_refused(&fairway(dir.path(), &["frobnicate"], ""), "frobnicate");
    assert_refused(
        &fairway(dir.path(), &["user", "create"], ""),
        "--email <EMAIL> --role <ROLE>",
    );
    let help = fairway(dir.path(), &["user", "create", "--help"], "");
    assert!(help.status.success() && out(&help).contains("--password-stdin"));
}

#[test]
fn a_backup_is_a_whole_copy_for_its_owner_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let backup = ["backup", "copy.db"];
    assert_refused(&fairway(dir.path(), &backup, ""), "no database");
    fairway(dir.path(), ANN, "correct horse battery staple\n");
    std::fs::write(dir.path().join("data/secret.key"), [7; 32]).unwrap();
    let made = fairway(dir.path(), &backup, "");
    assert!(made.status.success(), "{}", err(&made));
    assert_eq!(out(&made), "copy.db\ncopy.db.secret.key\n");
    assert_refused(&fairway(dir.path(), &backup, ""), "is there already");
    for file in ["copy.db", "copy.db.secret.key"] {
        let mode = std::fs::metadata(dir.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    let restored = tempfile::tempdir().unwrap();
    std::fs::create_dir(restored.path().join("data")).unwrap();
    std::fs::copy(
        dir.path().join("copy.db"),
        restored.path().join("data/fairway.db"),
    )
    .unwrap();
    let again = fairway(restored.path(), ANN, "correct horse battery staple\n");
    assert_refused(&again, "is staff already");
}

#[test]
fn the_doctor_names_what_fails_and_says_so_by_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = fairway(dir.path(), &["doctor"], "");
    assert!(fresh.status.success(), "{}", out(&fresh));
    assert!(!dir.path().join("data").exists(), "the doctor made something");

    fairway(dir.path(), ANN, "correct horse battery staple\n");
    let key = dir.path().join("data/secret.key");
    std::fs::write(&key, [7; 32]).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = fairway(dir.path(), &["doctor"], "");
    assert_eq!(open.status.code(), Some(1));
    assert!(out(&open).contains("FAIL  secret key") && out(&open).contains("chmod 600"));
    assert!(out(&open).contains("ok    database"), "{}", out(&open));

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let healthy = fairway(dir.path(), &["doctor"], "");
    assert!(healthy.status.success(), "{}", out(&healthy));
    std::fs::write(dir.path().join("data/fairway.db"), "no database").unwrap();
    let broken = fairway(dir.path(), &["doctor"], "");
    assert_eq!(broken.status.code(), Some(1));
    assert!(out(&broken).contains("FAIL  database"), "{}", out(&broken));
}

#[test]
fn the_data_directory_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    fairway(dir.path(), ANN, "correct horse battery staple\n");
    let mode = std::fs::metadata(dir.path().join("data"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}
