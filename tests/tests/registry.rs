//! Images of registries: a real one that serves what kit wrote, and hostile ones. Recipes name a registry that is nowhere; the
//! project's settings say what serves in its place.
#![expect(clippy::disallowed_methods, reason = "tests start programs and look into projects")]

use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_recipe::lockfile::ImagePin;
use kit_recipe::lockfile::image::Owner;
use kit_tests::deb::Tar;
use kit_tests::image::{INDEX, Image, MANIFEST, blob_path, descriptor};
use kit_tests::registry::Registry;
use kit_tests::server::{Answer, Server, Site, with_server};
use kit_tests::{Said, TestProject};
use serde_json::{Value, json};

const REPOSITORY: &str = "team/hello";
const REFERENCE: &str = "127.0.0.1:1/team/hello:1.0";

/// Lets the registry be at an address.
fn serve_from(project: &TestProject, base: &str) {
    project.write("kit.toml", &format!("[mirrors]\n\"http://127.0.0.1:1/\" = [\"{base}/\"]\n"));
}

/// A project whose image has a container of the registry; `more` are keys of its entry.
fn project(more: &str) -> TestProject {
    let project = TestProject::with_own_store();
    recipe(&project, REFERENCE, more);
    project
}

fn recipe(project: &TestProject, reference: &str, more: &str) {
    let text = format!(
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n\n[[service]]\nname = \"hello\"\nimage = \"{reference}\"\n{more}\n"
    );
    project.write("recipes/images/demo.toml", &text);
}

/// An image of two layers: the second one hides a file of the first and replaces another.
fn hello() -> Image {
    let first = Tar::default().file("bin/hello", b"one").file("etc/old", b"old").file("etc/kept", b"kept");
    let second = Tar::default().file("bin/hello", b"two").file("etc/.wh.old", b"");
    Image::new(&[first.end(), second.end()])
}

fn index(image: &Image) -> Vec<u8> {
    let mut entry = descriptor(MANIFEST, &image.manifest());
    entry["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string().into_bytes()
}

/// What a registry has of an image.
fn site(image: &Image) -> Site {
    image.site(REPOSITORY, "1.0", Answer::Bytes(index(image)))
}

/// Runs `test` with a registry for the project.
fn served<T>(project: &TestProject, site: Site, test: impl FnOnce(&Server) -> T) -> T {
    with_server(site, |server| {
        serve_from(project, &server.base);
        test(server)
    })
}

/// The files of the container, as `tar -t` would list them.
fn listed(project: &TestProject) -> String {
    let said = project.kit(&["show", "demo", "--files"]).succeeded().stdout;
    let of_container = |line: &&str| line.contains("/rootfs/") && line.contains(" file ");
    said.lines().filter(of_container).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_image_is_pinned_and_needs_no_network_after_that() {
    let image = hello();
    let project = project("");
    served(&project, site(&image), |_| {
        project.kit(&["lock"]).succeeded();
    });
    let lock = project.read("lockfiles/demo.lock");
    assert!(
        lock.contains(&format!("[images.\"{REFERENCE}\"]\nindex = \"{}\"\n", Sha256::of(&index(&image))))
    );
    assert!(lock.contains(&format!("sha256 = \"{}\"", Sha256::of(&image.manifest()))), "{lock}");
    assert!(lock.contains("command = [\"/bin/hello\"]\nenv = { LANG = \"C\" }\n"), "{lock}");
    project.kit(&["build", "--offline"]).succeeded();
    let files = listed(&project);
    let contents = [("/bin/hello", "two"), ("/etc/kept", "kept")];
    for (path, content) in contents {
        let digest = kit_hash::BlobId::of(content.as_bytes()).to_string();
        assert!(files.lines().any(|line| line.contains(path) && line.contains(&digest)), "{files}");
    }
    assert!(!files.contains("/etc/old") && !files.contains(".wh."), "{files}");

    // From an empty store, the same bytes.
    let tar = std::fs::read(project.path().join("out/demo.tar")).expect("it was built");
    std::fs::rename(project.store(), project.path().join("full")).expect("it can be renamed");
    project.kit(&["build", "--offline"]).failed(3, &["kit::http::offline"]);
    served(&project, site(&image), |_| project.kit(&["build"]).succeeded());
    assert_eq!(std::fs::read(project.path().join("out/demo.tar")).expect("it was built"), tar);
}

#[test]
fn a_lockfile_that_says_something_else_than_the_image_is_refused() {
    type Change = fn(&mut ImagePin);
    let project = project("");
    let mut image = hello();
    image.run = json!({ "Cmd": ["/bin/hello"], "User": "7:8" });
    served(&project, site(&image), |_| {
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
    });
    let text = project.read("lockfiles/demo.lock");
    let changes: [(&str, Change); 4] = [
        ("configuration", |pin| pin.settings.command.push("--insecure".to_owned())),
        ("configuration", |pin| _ = pin.settings.env.insert("LD_PRELOAD".to_owned(), "/x.so".to_owned())),
        ("files", |pin| pin.owner = Some(Owner { uid: 0, gid: 0 })),
        ("manifest", |pin| _ = pin.layers.pop()),
    ];
    for (document, change) in changes {
        let mut lock = Lockfile::parse(&text).expect("it is one");
        change(lock.images.values_mut().next().expect("it has one"));
        // With the right digest, as somebody would write it who wants it to be believed.
        project.write("lockfiles/demo.lock", &lock.to_text());
        let words =
            format!("the lockfile says something else about the image `{REFERENCE}` than its {document}");
        project.kit(&["build", "--offline"]).failed(1, &["error[kit::lock::image]", &words]);
    }
}

#[test]
fn keys_of_the_entry_come_before_what_the_image_says() {
    let mut image = hello();
    image.run = json!({ "Entrypoint": ["/bin/hello"], "Cmd": ["-a"], "User": "web", "WorkingDir": "/srv" });
    let project = project("env = { A = \"b\" }");
    let (said, _) = lock(site(&image));
    said.failed(
        1,
        &["error[kit::registry::user]", "is run by `web`, and its own files have no number for that"],
    );
    image.layers[0].1 = Tar::default().file("etc/passwd", b"web:x:7:8::/:/bin/sh\n").end();
    served(&project, site(&image), |_| {
        project.kit(&["lock"]).succeeded();
        project.kit(&["build"]).succeeded();
    });
    assert!(project.read("lockfiles/demo.lock").contains("user = \"web\"\nowner = { uid = 7, gid = 8 }\n"));
    let tar = std::fs::read(project.path().join("out/demo.tar")).expect("it was built");
    let start = b"{\"hostname\":\"hello\"";
    let at = tar.windows(start.len()).position(|window| window == start).expect("it has a configuration");
    let config: Value = serde_json::Deserializer::from_slice(&tar[at..])
        .into_iter()
        .next()
        .expect("it is there")
        .expect("it is JSON");
    let process = &config["process"];
    assert_eq!(process["args"], json!(["/bin/hello", "-a"]));
    assert_eq!(process["cwd"], "/srv");
    assert_eq!((&process["user"]["uid"], &process["user"]["gid"]), (&json!(7), &json!(8)));
    assert!(process["env"].as_array().expect("a list").contains(&json!("A=b")));
}

#[test]
fn a_tag_that_moved_is_told() {
    let before = hello();
    let mut after = hello();
    after.layers[1].1 = Tar::default().file("bin/hello", b"three").end();
    after.run = json!({ "Cmd": ["/bin/hello", "-v"] });
    let project = project("");
    served(&project, site(&before), |_| project.kit(&["lock"]).succeeded());
    let lock = project.read("lockfiles/demo.lock");
    served(&project, site(&after), |_| {
        project.kit(&["lock"]).succeeded();
        assert_eq!(project.read("lockfiles/demo.lock"), lock, "a pin holds");
        let unused = project.kit(&["lock", "--update", "127.0.0.1:1/team/hallo:1.0"]);
        unused.failed(2, &[&format!("did you mean `{REFERENCE}`?")]);
        let said = project.kit(&["lock", "--update", REFERENCE]).succeeded();
        let (old, new) = (Sha256::of(&index(&before)).short(), Sha256::of(&index(&after)).short());
        let news = format!("image {REFERENCE} is {new} now (was {old}): 1 of 2 layers new, ");
        assert!(said.stderr.contains(&news), "{said}");
        assert!(said.stderr.contains("  its command changed\n  its environment changed\n"), "{said}");
    });
    // A digest says for ever what is meant.
    let pinned = format!("{REFERENCE}@{}", Sha256::of(&index(&before)).oci());
    recipe(&project, &pinned, "");
    let mut both = site(&after);
    both.extend(before.site(REPOSITORY, &Sha256::of(&index(&before)).oci(), Answer::Bytes(index(&before))));
    served(&project, both, |_| project.kit(&["lock", "--update"]).succeeded());
    assert!(project.read("lockfiles/demo.lock").contains(&Sha256::of(&before.manifest()).to_string()));
}

/// What `kit lock` says about a registry that has this.
fn lock(site: Site) -> (Said, TestProject) {
    let project = project("");
    let said = served(&project, site, |_| project.kit(&["lock"]));
    assert!(!project.path().join("lockfiles/demo.lock").exists(), "{said}");
    (said, project)
}

#[test]
fn what_registries_cant_mean_is_told() {
    let image = hello();
    let top = |bytes: Vec<u8>| image.site(REPOSITORY, "1.0", Answer::Bytes(bytes));
    let (said, _) = lock(Site::new());
    let said =
        said.failed(3, &["error[kit::registry::unknown]", "`127.0.0.1:1/team/hello` `1.0` can't be had"]);
    assert!(said.stderr.contains("recipes/images/demo.toml:7"), "{said}");

    let other = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }).to_string();
    let words = "it has nothing for linux/amd64; it has nothing at all";
    lock(top(other.into_bytes())).0.failed(1, &["error[kit::registry::platform]", words]);

    let twice = String::from_utf8(image.manifest()).expect("it is text").replacen('{', "{\"layers\":[],", 1);
    lock(top(twice.into_bytes()))
        .0
        .failed(1, &["error[kit::registry::document]", "duplicate field `layers`"]);

    let mut many = Image::new(&vec![Vec::new(); 100_000]);
    many.layers.truncate(100_000);
    let said = lock(top(many.manifest())).0;
    // Such a manifest is too long before anybody counts.
    said.failed(3, &["error[kit::http::too_large]"]);
    let many = Image::new(&vec![Vec::new(); 1001]);
    lock(top(many.manifest())).0.failed(1, &["it has 1001 layers; 1000 is the most that kit takes"]);

    let layer = descriptor(kit_tests::image::LAYER, b"").to_string();
    let million =
        format!("{{\"schemaVersion\":2,\"layers\":[{layer}{}]}}", format!(",{layer}").repeat(999_999));
    lock(top(million.into_bytes())).0.failed(3, &["error[kit::http::too_large]"]);
    let deep =
        format!("{{\"schemaVersion\":2,\"manifests\":{}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    lock(top(deep.into_bytes())).0.failed(1, &["error[kit::registry::document]"]);

    let mut gone = site(&image);
    gone.remove(&format!("/v2/{REPOSITORY}/manifests/{}", Sha256::of(&image.manifest()).oci()));
    lock(gone).0.failed(3, &["error[kit::registry::unknown]"]);

    let mut wrong = site(&image);
    wrong.insert(blob_path(REPOSITORY, &image.config()), Answer::Bytes(vec![b'x'; image.config().len()]));
    lock(wrong).0.failed(3, &["error[kit::http::digest_mismatch]"]);

    let mut longer = site(&image);
    longer.insert(blob_path(REPOSITORY, &image.config()), Answer::Endless);
    lock(longer).0.failed(3, &["error[kit::http::"]);

    let loops = image.site(REPOSITORY, "1.0", Answer::Redirect(format!("/v2/{REPOSITORY}/manifests/1.0")));
    lock(loops).0.failed(3, &["error[kit::http::redirects]"]);
    lock(image.site(REPOSITORY, "1.0", Answer::Endless)).0.failed(3, &["error[kit::http::too_large]"]);
}

#[test]
fn layers_that_are_hostile_are_refused() {
    let layer = |layer: Vec<u8>| {
        let image = Image::new(&[Tar::default().file("bin/hello", b"one").end(), layer]);
        let (said, project) = lock(site(&image));
        let said = said.failed(1, &[]);
        assert!(!project.path().join("escape").exists());
        said.stderr
    };
    let escape = layer(Tar::default().file("../../escape", b"x").end());
    assert!(escape.contains("error[kit::unpack::archive]") && escape.contains(".."), "{escape}");
    let device = layer(Tar::default().null_device("dev/null").end());
    assert!(device.contains("dev/null"), "{device}");
    let whiteout = layer(Tar::default().file("etc/.wh...", b"").end());
    assert!(whiteout.contains("is no way to hide a file"), "{whiteout}");
    let text = layer(Tar::default().file("etc/.wh.old", b"text").end());
    assert!(text.contains("is no way to hide a file"), "{text}");
    let bytes = layer(b"neither an archive nor nothing".to_vec());
    assert!(bytes.contains("error[kit::unpack::archive]"), "{bytes}");
}

#[test]
fn what_is_odd_in_layers_and_harms_nobody_stays() {
    // Programs that are run as root gain nothing, since containers have no new privileges; names may be hidden twice, or hide nothing.
    let first = Tar::default().set_user_id("bin/hello", b"one").file("etc/old", b"old");
    let second = Tar::default().file("etc/.wh.old", b"").file("etc/.wh.old", b"").file("etc/.wh.never", b"");
    let project = project("");
    served(&project, site(&Image::new(&[first.end(), second.end()])), |_| {
        project.kit(&["lock"]).succeeded();
    });
    let files = listed(&project);
    assert!(files.lines().any(|line| line.contains("/bin/hello") && line.contains("4755")), "{files}");
    assert!(!files.contains("etc/old") && !files.contains(".wh."), "{files}");
}

#[test]
fn what_breaks_off_goes_on() {
    let image = hello();
    let layer = &image.layers[0].1;
    let project = project("");
    let mut broken = site(&image);
    broken.insert(blob_path(REPOSITORY, layer), Answer::Breaks(layer.clone(), true));
    let tag = format!("/v2/{REPOSITORY}/manifests/1.0");
    broken.insert(tag, Answer::After(1, 429, index(&image)));
    served(&project, broken, |server| {
        project.kit(&["lock"]).succeeded();
        let half = format!("{} from {}", blob_path(REPOSITORY, layer), layer.len() / 2);
        assert!(server.asked().contains(&half), "{:?}", server.asked());
    });
}

#[test]
fn a_tag_that_changes_meanwhile_is_one_of_both() {
    let (one, mut two) = (hello(), hello());
    two.run = json!({ "Cmd": ["/bin/other"] });
    let mut changing = site(&one);
    changing.extend(site(&two));
    changing
        .insert(format!("/v2/{REPOSITORY}/manifests/1.0"), Answer::Changes(vec![index(&one), index(&two)]));
    let project = project("");
    served(&project, changing, |_| project.kit(&["lock"]).succeeded());
    let lock = project.read("lockfiles/demo.lock");
    assert!(
        lock.contains(&Sha256::of(&one.manifest()).to_string()) && lock.contains("[\"/bin/hello\"]"),
        "{lock}"
    );
}

/// How a registry asks for tokens.
const TOKENS: &str = "Bearer realm=\"BASE/token\",service=\"r\",scope=\"repository:team/hello:pull\"";

/// A registry of an image for who shows this.
fn guarded(challenge: &str, shown: &str) -> Site {
    let mut all = site(&hello());
    for answer in all.values_mut() {
        let Answer::Bytes(bytes) = answer.clone() else { continue };
        *answer = Answer::Guarded { shown: shown.to_owned(), challenge: challenge.to_owned(), bytes };
    }
    all
}

/// The same for who has a token, which is given for this one, that stands for a login.
fn refreshed(token: &str) -> Site {
    let mut tokens = guarded(TOKENS, "Bearer t0ken");
    let scope = format!("scope=repository:{REPOSITORY}:pull");
    let body = format!("grant_type=refresh_token&client_id=kit&{scope}&service=r&refresh_token={token}");
    let answer = Answer::Sent { body, bytes: b"{\"access_token\":\"t0ken\"}".to_vec() };
    tokens.insert("/token".to_owned(), answer);
    tokens
}

#[test]
fn logins_are_those_that_container_tools_keep() {
    let project = project("");
    let kit = |home: &str| {
        let home = project.path().join(home);
        let said = project.command(&["lock"]).env("HOME", home).output().expect("kit runs");
        Said::from_output(&said)
    };
    let login = |server: &Server| {
        let host = server.base.trim_start_matches("http://");
        let auths = json!({ "auths": { host: { "auth": "bWU6c2VjcmV0" } } });
        project.write("home/.docker/config.json", &auths.to_string());
        let other = json!({ "auths": { "127.0.0.1:1": { "auth": "bWU6c2VjcmV0" } } });
        project.write("other/.docker/config.json", &other.to_string());
    };
    served(&project, guarded("Basic realm=\"r\"", "Basic bWU6c2VjcmV0"), |server| {
        login(server);
        let said =
            kit("nobody").failed(3, &["error[kit::registry::login]", "wants a login", "`docker login`"]);
        assert!(!said.stderr.contains("secret"), "{said}");
        // What is for the registry doesn't go to what serves in its place.
        kit("other").failed(3, &["error[kit::registry::login]"]);
        kit("home").succeeded();
    });
    std::fs::remove_file(project.path().join("lockfiles/demo.lock")).expect("it was written");
    std::fs::rename(project.store(), project.path().join("full")).expect("it can be renamed");
    let mut tokens = guarded(TOKENS, "Bearer t0ken");
    let path = format!("/token?service=r&scope=repository:{REPOSITORY}:pull");
    let token = Answer::Guarded {
        shown: "Basic bWU6c2VjcmV0".to_owned(),
        challenge: "Basic".to_owned(),
        bytes: b"{\"token\":\"t0ken\"}".to_vec(),
    };
    tokens.insert(path.clone(), token);
    served(&project, tokens, |server| {
        login(server);
        kit("home").succeeded();
        let asked = server.asked();
        assert!(asked.contains(&path), "{asked:?}");
    });
    // A token that stands for a login is sent in a form, and to no other place.
    let tokens = refreshed("k3y%2B");
    std::fs::remove_file(project.path().join("lockfiles/demo.lock")).expect("it was written");
    served(&project, tokens, |server| {
        let host = server.base.trim_start_matches("http://");
        let auths = |token: &str| json!({ "auths": { host: { "auth": "MDA6", "identitytoken": token } } });
        project.write("token/.docker/config.json", &auths("k3y+").to_string());
        project.write("old/.docker/config.json", &auths("0ld").to_string());
        let said = kit("old").failed(3, &["error[kit::registry::login]", "/token` doesn't take the login"]);
        assert!(!said.stderr.contains("0ld"), "{said}");
        kit("token").succeeded();
    });
    served(&project, guarded("Basic realm=\"r\"", "Basic bWU6c2VjcmV0"), |server| {
        let host = server.base.trim_start_matches("http://");
        let auths = json!({ "auths": { host: { "identitytoken": "k3y" } } });
        project.write("token/.docker/config.json", &auths.to_string());
        std::fs::remove_file(project.path().join("lockfiles/demo.lock")).expect("it was written");
        let words = ["error[kit::registry::login]", "there is only a token for it"];
        kit("token").failed(3, &words);
    });
    let plain = TOKENS.replace("BASE", "http://tokens.example");
    served(&project, guarded(&plain, "Bearer t0ken"), |server| {
        login(server);
        kit("home")
            .failed(3, &["the login would go to `http://tokens.example/token`, which isn't encrypted"]);
    });
}

/// Docker's protocol of programs that keep logins: the registry on standard input, a user and a secret on standard output. This user says that the
/// secret is a token.
const KEEPER: &str = r#"#!/bin/sh
read -r registry || true
echo "$1 $registry" >> asked
printf '{"ServerURL":"%s","Username":"<token>","Secret":"k3y+"}' "$registry"
"#;

#[test]
fn a_token_that_a_program_keeps_stands_for_a_login() {
    let project = project("");
    let program = project.path().join("bin/docker-credential-keeper");
    project.write("bin/docker-credential-keeper", KEEPER);
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is our own");
    let lock = || {
        _ = std::fs::remove_file(project.path().join("lockfiles/demo.lock"));
        let path = std::env::var("PATH").expect("there is one");
        let path = format!("{}:{path}", project.path().join("bin").display());
        let mut command = project.command(&["lock"]);
        Said::from_output(&command.env("HOME", project.path()).env("PATH", path).output().expect("kit runs"))
    };
    let config = |host: &str, all: bool| {
        let helpers = json!({ "credHelpers": { host: "keeper" } });
        let config = if all { json!({ "credsStore": "keeper" }) } else { helpers };
        project.write(".docker/config.json", &config.to_string());
    };
    for all in [false, true] {
        served(&project, refreshed("k3y%2B"), |server| {
            let host = server.base.trim_start_matches("http://");
            config(host, all);
            project.write("asked", "");
            lock().succeeded();
            // The token went in the body of one request, and in no address.
            let tokens: Vec<_> =
                server.asked().into_iter().filter(|path| path.starts_with("/token")).collect();
            assert_eq!(tokens, ["/token"]);
            assert_eq!(project.read("asked"), format!("get {host}\n"));
        });
    }
    served(&project, refreshed("0ther"), |server| {
        config(server.base.trim_start_matches("http://"), false);
        let said = lock().failed(3, &["error[kit::registry::login]", "/token` doesn't take the login"]);
        assert!(!said.to_string().contains("k3y"), "{said}");
    });
    served(&project, guarded("Basic realm=\"r\"", "Basic PHRva2VuPjprM3kr"), |server| {
        config(server.base.trim_start_matches("http://"), false);
        lock().failed(3, &["error[kit::registry::login]", "there is only a token for it"]);
    });
}

#[test]
fn what_is_pushed_is_what_the_established_tool_finds() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("recipes/images/minimal.toml");
    let registry = Registry::start(&project);
    let host = registry.host();
    let push = |tag: &str| {
        let to = format!("{host}/team/shell:{tag}");
        project.kit(&["push", "minimal", &to, "--container", "shell"]).succeeded()
    };
    let pushed = push("1");
    assert!(
        pushed.stderr.contains("2 blobs sent, ") && pushed.stderr.contains("; 0 there already"),
        "{pushed}"
    );
    let again = push("2");
    assert!(again.stderr.contains("0 blobs sent, 0 B; 2 there already"), "{again}");
    let unknown = ["push", "minimal", &format!("{host}/a:1"), "--container", "shall"];
    project.kit(&unknown).failed(2, &["error[kit::push::no_container]", "did you mean `shell`?"]);
    // The established tool finds there what the lockfile pins.
    let from = format!("docker://{host}/team/shell:2");
    let inspect = ["skopeo", "inspect", "--tls-verify=false", "--raw", &from];
    let seen = project.kit(&[&["tool", "--network", "skopeo", "--"], &inspect[..]].concat()).succeeded();
    let digest = Sha256::of(seen.stdout.as_bytes()).oci();
    assert_eq!(pushed.stdout, format!("{host}/team/shell:1@{digest}\n"));
}
