//! The app's table keeps the laws of directories.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use custom_auth::accounts::{Account, Accounts};
use custom_auth::names::Names;
use mvchat_core::builtin::password::{PasswordParams, Passwords};
use mvchat_core::testkit::directory::{self, Sample};
use std::process::ExitCode;

fn main() -> ExitCode {
    directory::main(|| async {
        let account = |(number, name): (u32, &str)| Account {
            number,
            login: name.to_lowercase(),
            name: name.to_owned(),
            password: String::new(),
        };
        let table: Vec<_> = (1..).zip(["Ana", "Anna", "Hanna", "Bert"]).map(account).collect();
        let known = table[..3].iter().map(Account::user).collect();
        let accounts = Accounts::new(table, Passwords::new(PasswordParams::insecurely_fast()).unwrap());
        Sample::new(Names(accounts), known, "an")
    })
}
