//! The agents behind the proxy: the model has a name that only the proxy can lead to, so what
//! reaches it came that way.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::agents::{Agent, Kind, Trust, codex_new};
use crate::run::{Ran, run};
use crate::util::home::Home;
use crate::util::model::Model;
use crate::util::proxy::{ONLY_BY_PROXY, Proxy};

/// A home in which nothing leads to the model, with the files that the proxy needs.
fn home(agent: Agent, model: &Model, proxy: &Proxy, envs: &str) -> Home {
    let there = |folder: &&str| Path::new(folder).join("proxychains4").exists();
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(there);
    assert!(found, "this test needs proxychains4: apt install proxychains4");
    let mut home = agent.home(model, Trust::Seeded);
    let config = match agent.kind {
        Kind::Claude => ".claude/settings.json",
        Kind::Codex => ".codex/config.toml",
    };
    let path = home.home().join(config);
    let text = fs::read_to_string(&path).expect("the agent's configuration");
    fs::write(&path, text.replace("127.0.0.1", ONLY_BY_PROXY)).expect("another name for the model");
    // Without these nothing is forbidden: the name itself leads nowhere.
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        home.set(name, "");
        home.set(&name.to_lowercase(), "");
    }
    home.write("proxy_envs.bash", envs);
    chain(&home, "", proxy);
    home
}

/// The configuration of proxychains, with `names` saying how names are resolved.
fn chain(home: &Home, names: &str, proxy: &Proxy) {
    let conf = format!("strict_chain\n{names}\n[ProxyList]\nsocks5 127.0.0.1 {}\n", proxy.port());
    home.write("proxy_claude.conf", conf);
}

/// What resolves names for proxychains. Its own thread for that, `proxy_dns`, lets Claude Code wait
/// for ever.
struct Names(Child, u16);

impl Names {
    fn start() -> Names {
        let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = free.expect("a free loopback port").port();
        let daemon = Command::new("proxychains4-daemon")
            .args(["-i", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Names(daemon.expect("proxychains4-daemon, of the package proxychains4"), port)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(home: &Home, agent: Agent, more: &[&str]) -> Ran {
    run(home, "spawn", &[&["-b", agent.backend(), "-s", "s", "-p", "hello"], more].concat())
}

fn all_asked_for_the_model(proxy: &Proxy, model: &Model) {
    let port = model.url().rsplit(':').next().unwrap_or_default().to_owned();
    let asked = proxy.asked();
    let to_model = format!("{ONLY_BY_PROXY}:{port}");
    assert!(asked.contains(&to_model), "{asked:?}");
    eprintln!("the proxy was asked {} times: {asked:?}", asked.len());
}

fn end(home: &Home, model: &Model) {
    run(home, "flag", &["wait", "s", "--timeout", "60"]).record();
    assert_eq!(model.prompts(), ["hello"]);
    run(home, "kill", &["s"]).record();
    model.check();
}

/// proxychains has a hold on Claude Code, which is dynamically linked.
fn claude_through_proxychains(agent: Agent) {
    let (model, proxy) = (Model::start(), Proxy::start());
    let home = home(agent, &model, &proxy, "export FROM_FILE=yes");
    let names = Names::start();
    chain(&home, &format!("proxy_dns_daemon 127.0.0.1:{}", names.1), &proxy);
    assert_eq!(spawn(&home, agent, &["--use-proxy", "true"]).record()["verdict"], "submitted");
    end(&home, &model);
    all_asked_for_the_model(&proxy, &model);
}

on_agents!(claude_through_proxychains: claude_old, claude_new);

/// Codex is statically linked, and heeds the variables for HTTP proxies. Through the proxy it takes
/// the profile `plus`, and its key from the env file.
fn codex_by_its_variables(agent: Agent) {
    let (model, proxy) = (Model::start(), Proxy::start());
    let envs = format!("export ALL_PROXY=http://127.0.0.1:{} NO_PROXY= no_proxy=", proxy.port());
    let mut home = home(agent, &model, &proxy, &envs);
    home.set("LOOPBACK_KEY", "");
    home.write(".codex/secrets/rightcode.env", "export LOOPBACK_KEY=from-the-file");
    home.write(".codex/plus.config.toml", "model = \"plus-model\"\n");
    assert_eq!(spawn(&home, agent, &["--use-proxy", "true"]).record()["verdict"], "submitted");
    end(&home, &model);
    all_asked_for_the_model(&proxy, &model);
    let seen = model.seen();
    assert_eq!(seen.last().expect("a request").body["model"], "plus-model");
}

on_agents!(codex_by_its_variables: codex_old, codex_new);

/// Without the variables it would pass the proxy by: it is ended before it gets a prompt.
#[test]
fn codex_past_the_proxy() {
    let agent = codex_new();
    let (model, proxy) = (Model::start(), Proxy::start());
    let home = home(agent, &model, &proxy, "export OTHER=1");
    let ran = spawn(&home, agent, &["--use-proxy", "true"]);
    assert_eq!((ran.status, ran.records.len()), (Some(69), 0), "{ran:#?}");
    assert!(ran.said.contains("codex: it is statically linked"), "{}", ran.said);
    assert_eq!(ran.said.lines().count(), 1);
    assert!(run(&home, "ls", &[]).records.is_empty());
    assert_eq!(model.prompts(), Vec::<String>::new());
    model.check();
}

/// Without the proxy Codex takes the profile `rightcode`, unless the caller names another.
#[test]
fn codex_profile_and_env_file() {
    let agent = codex_new();
    for (more, expected) in [(&[][..], "rightcode-model"), (&["--", "-p", "own"], "own-model")] {
        let model = Model::start();
        let mut home = agent.home(&model, Trust::Seeded);
        home.set("LOOPBACK_KEY", "");
        home.write(".codex/secrets/rightcode.env", "export LOOPBACK_KEY=from-the-file");
        home.write(".codex/rightcode.config.toml", "model = \"rightcode-model\"\n");
        home.write(".codex/own.config.toml", "model = \"own-model\"\n");
        assert_eq!(spawn(&home, agent, more).record()["verdict"], "submitted");
        end(&home, &model);
        let seen = model.seen();
        assert_eq!(seen.last().expect("a request").body["model"], expected);
    }
}
