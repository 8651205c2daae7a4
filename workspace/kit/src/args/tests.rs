use clap::{CommandFactory as _, Parser as _};
use insta::assert_snapshot;

use super::*;

fn help(of: Option<&str>) -> String {
    let mut command = Cli::command().term_width(110);
    command.build();
    match of {
        None => command.render_help().to_string(),
        Some(name) => command.find_subcommand_mut(name).unwrap().render_help().to_string(),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_of_kit() {
    assert_snapshot!(help(None), @r#"
    Build minimal, immutable Linux systems and container images from recipes

    Usage: kit [OPTIONS] <COMMAND>

    Commands:
      init          Scaffold a project: an image, settings and a CI example, all with comments
      import        Make recipes of what other builders read
      check         Check recipes, without fetching or building anything
      lock          Resolve and pin what recipes ask for, and write the lockfiles
      build         Build images from their lockfiles and write their files
      run           Boot an image in an emulated machine
      serve         Serve an image's files, or a directory, over HTTP: to machines that boot over the network
      push          Put an image, or one of its containers, into a registry
      pull          Fetch an image of a registry, with all its platforms, as it is there
      verify        Rebuild images from their sources, vary what must not matter, and compare every step
      vendor        Write everything that lockfiles need into one directory
      shell         Open a shell in the sandbox of a build, or run a program of locked packages
      show          Show what a recipe means: its parts, its steps or its files
      why           Show why something is in an image: a file, a package, a vulnerability, a capability, a byte
      graph         Show what an image is made of, as a graph: recipes, packages, crates, images
      sbom          Write what an image is made of, as an SBOM
      provenance    Write how the outputs of an image came to be, as in-toto provenance
      measurements  Write what a machine that boots an image is expected to measure
      audit         Report what is wrong with an image, and what to do about it
      sign          Sign files and images with a key of SSH, minisign, cosign or openssl
      convert       Write a disk in another container: for QEMU, Hyper-V, VMware, VirtualBox or a cloud
      diff          Show what differs between two images: packages, files, privileges, CVEs, sizes
      bisect        Find the change that made an image bad, by building it at states of the project's history
      log           Print what a build script printed: its last failure, else its last success
      store         Verify, clean up or measure the store
      tool          Run a program of a locked tool in a sandbox that has the current directory
      completions   Print a completion script for a shell
      man           Write a manual page for each command
      help          Show help on a command, on the `environment` or the `formats`

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Options of all commands:
          --project <DIR>  Use the project in this directory [default: upward from the current directory] [env:
                           `KIT_PROJECT`]
          --store <DIR>    Keep everything in this store [default: `store` in the project] [env: `KIT_STORE`]
          --vendor <DIR>   Take files from this bundle before anywhere else [env: `KIT_VENDOR`]
      -j, --jobs <N>       Do at most this many steps at the same time [default: one for each processor] [env:
                           `KIT_JOBS`]
          --offline        Open no socket; what isn't in the store is an error [env: `KIT_OFFLINE`]
          --json           Print JSON on standard output, one object per line; the last one is the result or the
                           error
      -q, --quiet          Print errors and warnings only
      -v, --verbose        Show what build scripts print, as it comes
          --color <WHEN>   Choose when to use colour [default: auto] [possible values: auto, always, never]

    Examples:
      kit init demo && cd demo   scaffold a project
      kit lock                   resolve and pin every image of the project
      kit build                  build what the lockfile pins
      kit run --until ready      boot it; success once it prints `ready`

    Exit codes:
      0   done
      1   your input is at fault: a recipe, a lockfile, a build script
      2   wrong usage of the command line
      3   the environment is at fault: network, disk, permissions, store
      70  a bug in kit

    `kit help environment` lists the environment variables, `kit help formats` the output formats.
    "#);
}

#[test]
fn help_of_build() {
    assert_snapshot!(help(Some("build")), @r#"
    Build images from their lockfiles and write their files

    Usage: kit build [OPTIONS] [IMAGE]...

    Arguments:
      [IMAGE]...  Build this image (can be repeated) [default: the only one of the project]

    Options:
          --without <NAME>              Leave this container out (can be repeated)
          --replace <NAME=PACKAGE|REF>  Put a package or an image in the place of a container (can be repeated)
          --add <NAME=PACKAGE|REF>      Add a service of a package or of an image (can be repeated)
          --format <FORMAT>             Write this format, such as `kernel+initrd`, `oci` or `raw-efi` (can be
                                        repeated, or separated by commas); `kit help formats` lists them [default:
                                        those of the recipe]
      -k, --keep-going                  Go on after a failure with all that doesn't need what failed, and tell
                                        every failure at the end
          --out <DIR>                   Write the files to this directory [default: `out` in the project] [env:
                                        `KIT_OUT`]
      -h, --help                        Print help (see more with '--help')

    Options of all commands:
          --project <DIR>  Use the project in this directory [default: upward from the current directory] [env:
                           `KIT_PROJECT`]
          --store <DIR>    Keep everything in this store [default: `store` in the project] [env: `KIT_STORE`]
          --vendor <DIR>   Take files from this bundle before anywhere else [env: `KIT_VENDOR`]
      -j, --jobs <N>       Do at most this many steps at the same time [default: one for each processor] [env:
                           `KIT_JOBS`]
          --offline        Open no socket; what isn't in the store is an error [env: `KIT_OFFLINE`]
          --json           Print JSON on standard output, one object per line; the last one is the result or the
                           error
      -q, --quiet          Print errors and warnings only
      -v, --verbose        Show what build scripts print, as it comes
          --color <WHEN>   Choose when to use colour [default: auto] [possible values: auto, always, never]

    Examples:
      kit build                          the only image of the project
      kit build minimal --format oci     one image in another format than its recipe says
      kit build system.yml               a system of LinuxKit, imported in memory, locked the first time
      kit build server --without ntp     without one of its containers, with a lockfile of its own
      kit build --offline --json         for programs: no socket is opened, events and result as JSON

    Where the project has a `policy.toml`, each image is audited before its files are written.
    What the policy denies isn't written, and the exit code is 1.
    "#);
}

/// Every variable that stands for an option is named at that option, and every command has examples.
#[test]
fn help_is_complete() {
    let all: String = Cli::command().get_subcommands().map(|c| help(Some(c.get_name()))).collect();
    let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in ["KIT_PROJECT", "KIT_STORE", "KIT_OUT", "KIT_JOBS", "KIT_OFFLINE"] {
        assert!(all.contains(&format!("[env: `{name}`]")), "{name}");
    }
    for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
        assert!(help(Some(command.get_name())).contains("Examples:"), "{}", command.get_name());
    }
}

#[test]
fn reads_options_before_and_after_the_command() {
    for line in ["kit -q --json build minimal -j 3", "kit build -q --json -j3 minimal"] {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert_eq!((cli.global.quiet, cli.global.json, cli.global.jobs), (true, true, Some(3)));
    }
    for wrong in
        ["kit build -q -v", "kit build -j 0", "kit build --format floppy", "kit lock --check --update"]
    {
        assert!(Cli::try_parse_from(wrong.split(' ')).is_err(), "{wrong}");
    }
}
