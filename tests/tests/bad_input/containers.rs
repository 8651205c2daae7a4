//! Containers that can't be, or can't be together. What only the machine can see is in `configuration.rs` and `services.rs`: a
//! bind whose source isn't there, a service that dies at once, a health check that hangs, a log that is full.

use kit_tests::TestProject;

use crate::bench::{package, refuses};

/// A project with an image that has these parts.
fn project(parts: &str) -> TestProject {
    let project = TestProject::with_own_store();
    let image = "[image]\nname = \"demo\"\nformats = [\"tar\"]\n";
    project.write("recipes/images/demo.toml", &format!("{image}{parts}"));
    package(&project, "app", "[[file]]\npath = \"/app\"\ncontents = \"\"\n");
    project
}

/// A service of the package `app`.
fn service(name: &str, keys: &str) -> String {
    format!("\n[[service]]\nname = \"{name}\"\npackage = \"app\"\ncommand = [\"/app\"]\n{keys}\n")
}

/// Checks that it is said by `kit check`, and that nothing is locked.
#[track_caller]
fn refused(parts: &str, expected: &[&str]) {
    let project = project(parts);
    for command in ["check", "lock"] {
        refuses(&project, &[command], 1, expected);
    }
}

#[test]
fn capabilities_are_those_of_linux() {
    let parts = service("web", "capabilities = [\"CAP_NET_ADMIM\"]");
    let expected = [
        "error[kit::recipe::unknown_capability]: unknown capability `CAP_NET_ADMIM`",
        "recipes/images/demo.toml:9:17",
        "help: did you mean `CAP_NET_ADMIN`?",
    ];
    refused(&parts, &expected);
}

#[test]
fn names_differ() {
    let parts = service("web", "") + &service("web", "");
    let expected = ["error[kit::recipe::duplicate_name]: two containers are called `web`"];
    refused(&parts, &expected);
}

#[test]
fn services_dont_wait_in_circles_or_for_nobody() {
    let parts = [
        service("web", "requires = [\"database\"]"),
        service("database", "after = [\"log\"]"),
        service("log", "after = [\"web\"]"),
    ];
    let expected = [
        "error[kit::plan::wait_cycle]: services wait for each other: ",
        "database → log",
        "waits for `database`",
        "help: take one of these `after` or `requires` away",
    ];
    refused(&parts.concat(), &expected);
    let expected = [
        "error[kit::plan::unknown_part]: the image has no service `databse`",
        "recipes/images/demo.toml:",
        "help: the services are `web`",
    ];
    refused(&service("web", "after = [\"databse\"]"), &expected);
}

#[test]
fn volumes_are_there_and_stay_as_they_are() {
    let volume = "\n[[volume]]\nname = \"data\"\npackage = \"app\"\nreadonly = true\n";
    let expected = [
        "error[kit::plan::read_only_volume]: the volume `data` is read-only, but bound read-write",
        "bound without `ro`",
        "help: add `ro` to the options of the bind, or take `readonly` from the volume",
    ];
    refused(&(volume.to_owned() + &service("web", "binds = [\"data:/srv:rw\"]")), &expected);
    let expected = ["error[kit::plan::unknown_part]: the image has no volume `date`", "`data`"];
    refused(&(volume.to_owned() + &service("web", "binds = [\"date:/srv\"]")), &expected);
}

#[test]
fn something_must_be_run() {
    let parts = "\n[[service]]\nname = \"web\"\npackage = \"app\"\n";
    let expected = [
        "error[kit::plan::no_command]: the container `web` has no command",
        "help: add `command = [\"/path/to/program\"]` here or in the package's `[container]`",
    ];
    refused(parts, &expected);
}
