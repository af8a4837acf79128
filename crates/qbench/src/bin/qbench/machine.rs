//! What the page says about the machine.

use std::{fs, process::Command};

/// Returns the processor, the number of cores, the kernel and the compilers, one on each line.
pub(crate) fn description() -> Vec<String> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let is_virtual = processors.lines().any(|line| {
        line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor")
    });
    let machine = if is_virtual { ", a virtual machine" } else { "" };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut lines = vec![
        format!("{model}, {cores} cores{machine}"),
        format!("Linux {}", kernel.trim()),
        first_line("rustc", &["--version"]),
    ];
    let qt = first_line("pkg-config", &["--modversion", "Qt5Network"]);
    if !qt.is_empty() {
        lines.push(format!("Qt {qt}, {}", first_line("g++", &["--version"])));
    }
    lines
}

/// Returns the first line that a program prints; nothing if it fails.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.and_then(|text| Some(text.lines().next()?.trim().to_owned())).unwrap_or_default()
}

/// Returns the cores that this process may use.
pub(crate) fn cores() -> Vec<u32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let mut cores = Vec::new();
    for range in list.unwrap_or("0").split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.trim().parse(), last.trim().parse::<u32>()) {
            cores.extend(first..=last);
        }
    }
    cores
}
