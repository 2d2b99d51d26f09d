//! The programs that are needed: tmux, the agents, proxychains.

use std::path::Path;

use super::finding::{Finding, word};
use crate::{
    agent::{Backend, profile::Profile, version},
    config::Config,
    session::Proxy,
    state::admin,
    tmux::{Tmux, known_bugs},
};

/// tmux, its version, and the known bugs of that version.
pub(crate) fn tmux(config: &Config) -> Vec<Finding> {
    let said = match Tmux::new(config).and_then(|tmux| tmux.version()) {
        Ok(said) => said,
        Err(error) => {
            return vec![Finding::problem("tmux", "tmux", error.cause).mend("apt install tmux")];
        }
    };
    let version = known_bugs::version(&said);
    let mut findings = vec![if known_bugs::TESTED.contains(&version) {
        Finding::ok("tmux", "tmux", version)
    } else {
        let tested = known_bugs::TESTED.join(", ");
        Finding::note("tmux", "tmux", format!("{version}; tested with {tested}"))
    }];
    findings.extend(known_bugs::of(version).map(|fault| {
        Finding::note("tmux", format!("tmux {version}"), fault.what).advise(fault.advice)
    }));
    findings
}

/// The agents that are there, their versions, and whether the screen profiles know these.
pub(crate) fn agents(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = 0;
    for facts in Backend::ALL.map(Backend::facts) {
        let Some(package) = facts.package else { continue };
        let name = facts.program;
        let (file, built_in) = facts.profile;
        let Some(program) = config.program(name) else {
            let finding = Finding::note("agent", name, "not on PATH");
            findings.push(finding.mend(format!("npm install -g {package}")));
            continue;
        };
        found += 1;
        let own = config.screens.join(file);
        let version = version::said_by(&program);
        findings.push(match (Profile::load(config, file, built_in), version) {
            (Err(error), _) => {
                Finding::problem("agent", name, error).mend(format!("rm {}", word(&own)))
            }
            (_, Err(error)) => Finding::problem("agent", name, error),
            (Ok(profile), Ok(version)) => match too_old(&version, &profile) {
                Some(says) => {
                    Finding::problem("agent", name, says).mend(format!("npm install -g {package}"))
                }
                None => covered(name, &version, &profile, &own),
            },
        });
    }
    if found == 0 {
        let says = "only the practice agent, which is built in: try `aimax demo`";
        findings.push(Finding::note("agent", "agents", says));
    }
    findings
}

fn too_old(version: &str, profile: &Profile) -> Option<String> {
    let oldest = profile.oldest.as_ref().filter(|oldest| version::is_older(version, oldest))?;
    Some(format!("{version} is too old; {oldest} or later is needed"))
}

fn covered(name: &str, version: &str, profile: &Profile, own: &Path) -> Finding {
    let of =
        if own.exists() { format!("{}, made from", own.display()) } else { "made from".into() };
    if profile.verified.iter().any(|known| known == version) {
        return Finding::ok("agent", name, format!("{version}, which the screen profile covers"));
    }
    let is_newer = profile.verified.iter().all(|known| version::is_older(known, version));
    let how = if is_newer { ": it is newer than what was tested" } else { "" };
    let verified = profile.verified.join(", ");
    let says = format!("{version}; the screen profile is {of} {verified}{how}");
    Finding::note("agent", name, says)
        .advise(format!("if a dialog is unknown, describe it in {}", own.display()))
}

/// Whether the proxy is set up. A missing proxy is a problem only where it is the default.
pub(crate) fn proxy(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wanted = Vec::new();
    for backend in Backend::real() {
        match admin::use_proxy(&config.admin_settings(), backend.name()) {
            Ok(true) => wanted.push(backend.name()),
            Ok(false) => {}
            Err(error) => findings.push(Finding::problem("proxy", "admin settings", error)),
        }
    }
    let conf = &config.proxy_chains_conf;
    if std::fs::read_to_string(conf).is_ok_and(|text| text.lines().any(|l| l.trim() == "proxy_dns"))
    {
        let says = "with `proxy_dns`, Claude Code can wait forever for a name";
        findings.push(Finding::note("proxy", conf.display(), says).mend(format!(
            "sed -i 's/^proxy_dns$/proxy_dns_daemon 127.0.0.1:1053/' {} && proxychains4-daemon",
            word(conf)
        )));
    }
    let default = wanted.join(", ");
    findings.push(match (Proxy::find(config), wanted.is_empty()) {
        (Ok(proxy), true) => {
            Finding::ok("proxy", "proxy", format!("{} is set up", proxy.program.display()))
        }
        (Ok(_), false) => Finding::ok("proxy", "proxy", format!("the default for {default}")),
        (Err(error), true) => {
            let says = format!("not set up, and not needed: {}: {}", error.subject, error.cause);
            Finding::note("proxy", "proxy", says)
        }
        (Err(error), false) => {
            let says = format!("the default for {default}, but {}: {}", error.subject, error.cause);
            let (backend, _) = default.split_once(", ").unwrap_or((&default, ""));
            let off = format!("aimax admin set-proxy --backend {backend} --value false");
            let install = error.advice.split('`').nth(1).map(str::to_owned);
            Finding::problem("proxy", "proxy", says).mend(install.unwrap_or(off))
        }
    });
    findings
}
