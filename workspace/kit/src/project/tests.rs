use std::os::unix::fs::symlink;

use kit_build::ProjectFiles as _;
use kit_build::files::LocalContent;

use super::*;

fn project() -> (tempfile::TempDir, Project) {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::open(dir.path()).unwrap();
    (dir, project)
}

fn write(project: &Project, path: &str, text: &str) {
    if let Some((folder, _)) = path.rsplit_once('/') {
        project.dir().create_dir_all(folder).unwrap();
    }
    project.dir().write(path, text).unwrap();
}

/// Lists what a visit shows, one line for each file.
fn visit(project: &Project, path: &str) -> io::Result<Option<Vec<String>>> {
    let mut lines = Vec::new();
    let found = project.disk().visit(path, &mut |file| {
        let what = match file.content {
            LocalContent::Symlink(target) => format!("-> {}", String::from_utf8_lossy(&target)),
            LocalContent::File { executable, open } => {
                let mut text = String::new();
                io::Read::read_to_string(&mut open()?, &mut text)?;
                format!("{executable} {text}")
            }
        };
        lines.push(format!("{} {what}", file.path));
        Ok(())
    })?;
    Ok(found.then_some(lines))
}

#[test]
fn finds_recipes_by_their_place() {
    let (_dir, project) = project();
    for path in
        ["recipes/images/b.toml", "recipes/images/a.toml", "recipes/tools.toml", "recipes/packages/p.toml"]
    {
        write(&project, path, "");
    }
    for path in ["recipes/images/Not A Name.toml", "recipes/images/a.toml~", "recipes/a.toml", "a.toml"] {
        write(&project, path, "");
    }
    let names: Vec<_> = project.own_recipes().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["image a", "image b", "package p", "tools"]);
    assert_eq!(project.own_images().unwrap().len(), 2);
}

#[test]
fn a_projects_recipe_replaces_the_standard_one() {
    let (_dir, project) = project();
    let busybox: RecipeName = "package busybox".parse().unwrap();
    let standard = project.files().text(&busybox).unwrap().unwrap();
    write(&project, "recipes/packages/busybox.toml", "# mine");
    assert!(standard.contains("name = \"busybox\""));
    assert_eq!(project.files().text(&busybox).unwrap().unwrap(), "# mine");
}

#[test]
fn visits_in_the_order_of_paths_and_keeps_links() {
    let (dir, project) = project();
    for path in ["s/a/b", "s/a-x", "s/.hidden", "s/z"] {
        write(&project, path, path);
    }
    symlink("/etc/passwd", dir.path().join("s/link")).unwrap();
    symlink("nowhere", dir.path().join("s/a/dangling")).unwrap();
    let lines = visit(&project, "s").unwrap().unwrap();
    assert_eq!(
        lines,
        [
            "/.hidden false s/.hidden",
            "/a-x false s/a-x",
            "/a/b false s/a/b",
            "/a/dangling -> nowhere",
            "/link -> /etc/passwd",
            "/z false s/z"
        ]
    );
    assert_eq!(visit(&project, "s/z").unwrap().unwrap(), ["/ false s/z"]);
    assert_eq!(visit(&project, "nothing").unwrap(), None);
}

#[test]
fn never_leaves_the_project() {
    let (dir, project) = project();
    symlink("/etc", dir.path().join("etc")).unwrap();
    symlink("..", dir.path().join("up")).unwrap();
    for path in ["etc", "etc/passwd", "up", "../..", "/etc"] {
        assert!(visit(&project, path).is_err(), "{path}");
    }
    project.dir().create_dir_all("recipes/images").unwrap();
    symlink("/etc/passwd", dir.path().join("recipes/images/x.toml")).unwrap();
    assert!(matches!(
        project.disk().text(&"image x".parse().unwrap()),
        Err(kit_plan::PlanError::Read { .. })
    ));
}

#[test]
fn refuses_sockets_and_says_where() {
    let (dir, project) = project();
    project.dir().create_dir_all("s/deep").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s/deep/socket")).unwrap();
    let error = visit(&project, "s").unwrap_err();
    let source = std::error::Error::source(error.get_ref().unwrap()).unwrap();
    assert_eq!(error.to_string(), "`deep/socket` in it");
    assert_eq!(source.to_string(), "a socket can't be part of a source");
}

#[test]
fn finds_the_project_by_its_settings() {
    let (_dir, project) = project();
    write(&project, "kit.toml", "[store]\npath = \"elsewhere\"\n");
    let again = Project::open(project.path()).unwrap();
    assert_eq!(again.settings().store.as_deref(), Some("elsewhere"));
    write(&project, "kit.toml", "[stor]\n");
    assert!(matches!(Project::open(project.path()), Err(Failure::Settings { .. })));
}

#[test]
fn what_a_killed_writer_left_of_a_file_goes_when_it_is_written_again() {
    let (dir, project) = project();
    write(&project, "disk.raw.1-2.new", "half");
    write(&project, "other.raw.1-2.new", "half");
    write_file_by(&dir.path().join("disk.raw"), &mut |file| file.write_all(b"whole")).unwrap();
    let mut names: Vec<_> =
        project.dir().entries().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["disk.raw", "other.raw.1-2.new"]);
}
