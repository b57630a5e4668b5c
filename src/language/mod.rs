//! Languages: from a YAML tree to a graph and findings.

pub(crate) mod native;
