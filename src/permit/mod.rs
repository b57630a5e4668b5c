//! What a run may reach, in the manner of Deno: nothing, unless the operator says so.
//!
//! `--allow-net=api.example.com`, `--allow-exec=git`, `--allow-env=HOME`; without a value a flag allows all. A
//! [`Denied`] names the flag that is missing, word for word.

mod host;

use std::fmt;
use std::sync::Arc;

pub use host::{Host, HostError};

use crate::data::{Data, Map};
use crate::graph::Permissions;

/// What the operator granted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permit {
    net: Grant<Host>,
    exec: Grant<Arc<str>>,
    env: Grant<Arc<str>>,
    secret_command: Grant<Arc<str>>,
}

/// One kind of thing, granted or not.
#[derive(Clone, Debug, PartialEq)]
enum Grant<T> {
    All,
    These(Vec<T>),
}

impl<T> Default for Grant<T> {
    fn default() -> Grant<T> {
        Grant::These(Vec::new())
    }
}

/// Something that was not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The stable code: `permission.net`, `permission.exec`, `permission.env`.
    pub code: &'static str,
    /// What was to be reached, for people.
    pub what: String,
    /// The flag that grants it.
    pub flag: String,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not permitted; `{}` permits it", self.what, self.flag)
    }
}

impl std::error::Error for Denied {}

impl Permit {
    /// Nothing is granted.
    pub fn nothing() -> Permit {
        Permit::default()
    }

    /// Everything is granted, for programs that embed the interpreter and guard themselves.
    pub fn everything() -> Permit {
        Permit {
            net: Grant::All,
            exec: Grant::All,
            env: Grant::All,
            secret_command: Grant::All,
        }
    }

    /// `--allow-net`: all hosts, or those of a comma-separated list of patterns (see [`Host`]). Repeated flags add up.
    ///
    /// # Errors
    ///
    /// A pattern that is none.
    pub fn allow_net(mut self, hosts: Option<&str>) -> Result<Permit, HostError> {
        let hosts = hosts
            .map(|hosts| items(hosts).map(str::parse).collect::<Result<Vec<Host>, _>>())
            .transpose()?;
        self.net.add(hosts);
        Ok(self)
    }

    /// `--allow-exec`: all programs, or those of a comma-separated list, each as workflows write it.
    #[must_use]
    pub fn allow_exec(mut self, programs: Option<&str>) -> Permit {
        self.exec
            .add(programs.map(|programs| items(programs).map(Arc::from).collect()));
        self
    }

    /// `--allow-env`: all environment variables, or those of a comma-separated list.
    #[must_use]
    pub fn allow_env(mut self, names: Option<&str>) -> Permit {
        self.env.add(names.map(|names| items(names).map(Arc::from).collect()));
        self
    }

    /// `--allow-secret-command`: the program that the configuration asks for secrets, whichever it is, or one of a
    /// comma-separated list. That it is granted lets no workflow start it.
    #[must_use]
    pub fn allow_secret_command(mut self, programs: Option<&str>) -> Permit {
        self.secret_command
            .add(programs.map(|programs| items(programs).map(Arc::from).collect()));
        self
    }

    /// Whether a host may be reached; the port only if it is not the scheme's own.
    ///
    /// # Errors
    ///
    /// `permission.net`.
    pub fn check_net(&self, host: &str, port: Option<u16>, default_port: Option<u16>) -> Result<(), Denied> {
        let host = host::normal(host);
        let effective = port.or(default_port);
        if self.net.allows(|pattern| pattern.matches(&host, effective)) {
            return Ok(());
        }
        Err(no_net(&match port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }))
    }

    /// Whether a program may be started.
    ///
    /// # Errors
    ///
    /// `permission.exec`.
    pub fn check_exec(&self, program: &str) -> Result<(), Denied> {
        match self.exec.allows(|granted| **granted == *program) {
            true => Ok(()),
            false => Err(no_exec(program)),
        }
    }

    /// Whether a process may be given an environment variable: those that tell the loader what else to load would
    /// make one permitted program run any other.
    ///
    /// # Errors
    ///
    /// `permission.exec`.
    pub fn check_exec_env(&self, name: &str) -> Result<(), Denied> {
        if self.exec == Grant::All || !(name.starts_with("LD_") || name.starts_with("DYLD_")) {
            return Ok(());
        }
        Err(Denied {
            code: "permission.exec",
            what: format!("setting `{name}` for a process"),
            flag: "--allow-exec".to_owned(),
        })
    }

    /// Whether an environment variable may be read.
    ///
    /// # Errors
    ///
    /// `permission.env`.
    pub fn check_env(&self, name: &str) -> Result<(), Denied> {
        match self.env.allows(|granted| **granted == *name) {
            true => Ok(()),
            false => Err(no_env(name)),
        }
    }

    /// Whether a program may be asked for secrets: the configuration can lie in a folder that somebody else wrote.
    ///
    /// # Errors
    ///
    /// `permission.exec`.
    pub fn check_secret_command(&self, program: &str) -> Result<(), Denied> {
        match self.secret_command.allows(|granted| **granted == *program) {
            true => Ok(()),
            false => Err(Denied {
                code: "permission.exec",
                what: format!("asking `{program}` for secrets"),
                flag: format!("--allow-secret-command={program}"),
            }),
        }
    }

    /// What a file asks for and the operator has not granted (rule 40). Secrets are read from environment variables of
    /// the same name; MCP servers come with the configuration, which is the operator's.
    pub fn missing(&self, asked: &Permissions) -> Vec<Denied> {
        let hosts = asked.http.iter().filter(|asked| match asked.parse::<Host>() {
            Ok(asked) => !self.net.allows(|granted| granted.covers(&asked)),
            Err(_) => self.net != Grant::All,
        });
        let programs = asked.exec.iter().filter_map(|program| self.check_exec(program).err());
        let names = asked
            .env
            .iter()
            .chain(&asked.secrets)
            .filter_map(|name| self.check_env(name).err());
        hosts.map(|host| no_net(host)).chain(programs).chain(names).collect()
    }

    /// The environment variables that a file asks for, as far as they are granted and set.
    pub fn environment(&self, asked: &Permissions, value_of: impl Fn(&str) -> Option<String>) -> Data {
        let granted = asked.env.iter().filter(|name| self.check_env(name).is_ok());
        let set = granted.filter_map(|name| Some((name.clone(), Data::from(value_of(name)?))));
        Data::from(set.collect::<Map>())
    }
}

impl<T> Grant<T> {
    fn add(&mut self, more: Option<Vec<T>>) {
        match (&mut *self, more) {
            (Grant::All, _) => {}
            (grant, None) => *grant = Grant::All,
            (Grant::These(these), Some(more)) => these.extend(more),
        }
    }

    fn allows(&self, matches: impl Fn(&T) -> bool) -> bool {
        match self {
            Grant::All => true,
            Grant::These(these) => these.iter().any(matches),
        }
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn no_net(host: &str) -> Denied {
    Denied {
        code: "permission.net",
        what: format!("reaching `{host}`"),
        flag: format!("--allow-net={host}"),
    }
}

fn no_exec(program: &str) -> Denied {
    Denied {
        code: "permission.exec",
        what: format!("starting `{program}`"),
        flag: format!("--allow-exec={program}"),
    }
}

fn no_env(name: &str) -> Denied {
    Denied {
        code: "permission.env",
        what: format!("reading the environment variable `{name}`"),
        flag: format!("--allow-env={name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn permit(net: &str) -> Permit {
        Permit::nothing().allow_net(Some(net)).unwrap()
    }

    #[test]
    fn nothing_is_granted_by_default_and_the_flag_is_named() {
        let permit = Permit::nothing();
        let denied = permit.check_net("api.example.com", None, Some(443)).unwrap_err();
        assert_eq!(
            (denied.code, denied.flag.as_str()),
            ("permission.net", "--allow-net=api.example.com")
        );
        assert!(denied.to_string().contains("`--allow-net=api.example.com`"));
        let denied = permit.check_net("LOCALHOST.", Some(8080), Some(80)).unwrap_err();
        assert_eq!(denied.flag, "--allow-net=localhost:8080");
        assert_eq!(permit.check_exec("git").unwrap_err().flag, "--allow-exec=git");
        assert_eq!(permit.check_env("HOME").unwrap_err().flag, "--allow-env=HOME");
    }

    #[test]
    fn flags_add_up_and_a_bare_one_allows_all() {
        let permit = permit("a.example, b.example:8080")
            .allow_net(Some("c.example"))
            .unwrap();
        for (host, port, allowed) in [
            ("a.example", None, true),
            ("A.EXAMPLE", Some(9000), true),
            ("b.example", Some(8080), true),
            ("b.example", None, false),
            ("c.example", None, true),
            ("d.example", None, false),
        ] {
            assert_eq!(permit.check_net(host, port, Some(443)).is_ok(), allowed, "{host}");
        }
        let all = permit.allow_net(None).unwrap().allow_net(Some("x.example")).unwrap();
        assert!(all.check_net("d.example", None, None).is_ok());
    }

    #[test]
    fn a_granted_program_is_that_word_only() {
        let permit = Permit::nothing().allow_exec(Some("git,/usr/bin/env"));
        assert!(permit.check_exec("git").is_ok());
        assert!(permit.check_exec("./git").is_err());
        assert!(permit.check_exec("env").is_err());
        assert!(permit.check_exec_env("LD_PRELOAD").is_err());
        assert!(permit.check_exec_env("GIT_DIR").is_ok());
        assert!(Permit::everything().check_exec_env("LD_PRELOAD").is_ok());
    }

    #[test]
    fn rule_40_what_a_file_asks_for_has_to_be_granted() {
        let asked = Permissions {
            env: vec!["REGION".into()],
            secrets: vec!["KEY".into()],
            http: vec!["api.example.com".into(), "*.cdn.example".into()],
            exec: vec!["git".into()],
            mcp: vec!["files".into()],
        };
        let flags = |permit: &Permit| {
            permit
                .missing(&asked)
                .into_iter()
                .map(|denied| denied.flag)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            flags(&Permit::nothing()),
            [
                "--allow-net=api.example.com",
                "--allow-net=*.cdn.example",
                "--allow-exec=git",
                "--allow-env=REGION",
                "--allow-env=KEY"
            ]
        );
        let some = permit("*.example.com,img.cdn.example")
            .allow_exec(None)
            .allow_env(Some("KEY"));
        assert_eq!(flags(&some), ["--allow-net=*.cdn.example", "--allow-env=REGION"]);
        assert!(flags(&Permit::everything()).is_empty());
    }

    #[test]
    fn only_granted_and_declared_variables_are_read() {
        let asked = Permissions {
            env: vec!["A".into(), "B".into(), "UNSET".into()],
            ..Permissions::default()
        };
        let value_of = |name: &str| (name != "UNSET").then(|| format!("value of {name}"));
        let permit = Permit::nothing().allow_env(Some("A,C,UNSET"));
        assert_eq!(permit.environment(&asked, value_of), data!({ "A": "value of A" }));
    }
}
