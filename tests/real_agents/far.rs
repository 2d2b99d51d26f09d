//! The example of aimax(7) for another host, as it stands: an sshd of our own on the loopback
//! interface, with keys and a configuration made for it, run by the present user.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::util::home::Home;
use crate::util::wait::{PATIENCE, wait_until};

const PAGE: &str = include_str!("../../man/aimax.7");

/// An sshd that ends with this.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        // A test that has failed already tells why.
        drop(self.0.kill().and_then(|()| self.0.wait()));
    }
}

impl Sshd {
    /// Whoever logs in gets the environment of `home`, and not the user's own.
    fn start(home: &Home, port: u16) -> Sshd {
        let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
        let program = places.into_iter().find(|path| Path::new(path).exists());
        let program = program.expect("sshd, which `apt-get install openssh-server` brings");
        let root = home.root().display();
        for key in ["host", "user"] {
            let mut make = home.command("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.root().join(key));
            let made = make.output().expect("ssh-keygen");
            assert!(made.status.success(), "{made:?}");
        }
        let env: Vec<String> =
            home.env().iter().map(|(name, value)| format!("\"{name}={value}\"")).collect();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {root}/host\n\
             AuthorizedKeysFile {root}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nSetEnv {}\n\
             ForceCommand cd \"$HOME\" && exec sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
            env.join(" ")
        );
        let path = home.root().join("sshd_config");
        fs::write(&path, config).expect("its configuration");
        // Root's sshd wants a folder that only a service manager makes; others need none.
        drop(fs::create_dir("/run/sshd"));
        let mut sshd = Command::new(program);
        sshd.args(["-D", "-e", "-f"]).arg(path).stdin(Stdio::null());
        let mut sshd = Sshd(sshd.spawn().expect("sshd starts"));
        wait_until(PATIENCE, "an sshd that listens", || {
            let ended = sshd.0.try_wait().expect("its status");
            assert!(ended.is_none(), "sshd: {ended:?}");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        sshd
    }
}

/// `ssh` on the home's PATH, which knows the host `box` and nothing of the user's own.
fn ssh(home: &Home, port: u16) {
    let root = home.root().display();
    let config = format!(
        "Host box\n HostName 127.0.0.1\n Port {port}\n IdentityFile {root}/user\n\
         IdentityAgent none\n IdentitiesOnly yes\n StrictHostKeyChecking no\n\
         UserKnownHostsFile /dev/null\n GlobalKnownHostsFile /dev/null\n LogLevel ERROR\n"
    );
    fs::write(home.root().join("ssh_config"), config).expect("its configuration");
    let path = home
        .write("bin/ssh", format!("#!/bin/sh\nexec /usr/bin/ssh -F {root}/ssh_config \"$@\"\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
}

#[test]
fn the_manual_on_another_host() {
    let section = PAGE.split("On another host").nth(1).expect("the section");
    let script = section.split(".Bd -literal -offset indent\n").nth(1).expect("its script");
    let script = script.split(".Ed\n").next().expect("its end");
    let mut home = Home::new();
    home.add_path(Path::new(env!("CARGO_BIN_EXE_aimax")).parent().expect("a folder"));
    home.add_path(home.home().join("bin"));
    home.set("AIMAX_PRACTICE", "trust=yes");
    fs::create_dir(home.home().join("proj")).expect("a folder on the other host");
    fs::write(home.proj().join("task.md"), "It's \"quoted\" $HOME; `x`.\nTwo lines.\n")
        .expect("a task on this one");
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|port| port.local_addr());
    let port = free.expect("a free port").port();
    let _sshd = Sshd::start(&home, port);
    ssh(&home, port);

    let ran = home.command("sh").args(["-ec", script]).stdin(Stdio::null()).output().expect("sh");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.is_empty(), "{:?}: {said}", ran.status);
    let told = String::from_utf8(ran.stdout).expect("records");
    let text = r#""text":"echo: It's \"quoted\" $HOME; `x`.\nTwo lines."#;
    assert!(told.contains(text), "{told}");
    assert!(home.home().join("proj/.imac/flags/far").is_dir(), "the other host's folder");
}
