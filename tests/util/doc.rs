/// What an example in the documentation works with: folders and a tmux server of its own, and an
/// `aimax` on the PATH. All of it goes when it is dropped.
pub(crate) struct Desk {
    root: std::path::PathBuf,
    pub(crate) config: aimax::Config,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let root = std::path::Path::new("/tmp").join(format!("aimax-d-{}", &id[..8]));
        for folder in ["tmux", "proj"] {
            std::fs::create_dir_all(root.join(folder)).expect("a temporary folder");
        }
        let text = |path: std::path::PathBuf| path.into_os_string();
        let path = format!("{}:{}", Self::programs().display(), std::env::var("PATH").unwrap());
        let environment = vec![
            ("HOME".into(), text(root.clone())),
            ("PATH".into(), path.into()),
            ("TMUX_TMPDIR".into(), text(root.join("tmux"))),
            ("AIMAX_TMUX_SOCKET".into(), "d".into()),
            ("AIMAX_PRACTICE".into(), "trust=yes".into()),
        ];
        Desk { config: aimax::Config::from_vars(environment).unwrap(), root }
    }

    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.root.join("proj")
    }

    /// Where cargo has put the programs: examples are not built beside them.
    fn programs() -> std::path::PathBuf {
        let own = std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(own, Into::into);
        let built = |profile: &&str| target.join(profile).join("aimax").exists();
        let profile = ["debug", "release"].into_iter().find(built);
        target.join(profile.expect("no `aimax` below target/: `cargo build` makes it"))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(
            std::process::Command::new("tmux")
                .env("TMUX_TMPDIR", self.root.join("tmux"))
                .args(["-L", "d", "kill-server"])
                .output(),
        );
        drop(std::fs::remove_dir_all(&self.root));
    }
}
