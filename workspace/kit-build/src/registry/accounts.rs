//! Users and groups by name, as `/etc/passwd` and `/etc/group` of an image have them.

use kit_recipe::lockfile::image::Owner;

/// Returns the numbers of `user[:group]`, each a name or a number, as container tools do: a user without a group has that of its line in
/// `passwd`, or 0 where only its number is known. None when a name is in neither file.
pub(crate) fn owner(text: &str, passwd: &str, group: &str) -> Option<Owner> {
    let (user, group_name) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (text, None),
    };
    let (uid, own_gid) = match user {
        "" => (0, None),
        user => find_user(user, passwd)?,
    };
    let gid = match group_name {
        Some(name) => find_group(name, group)?,
        None => own_gid.unwrap_or(0),
    };
    Some(Owner { uid, gid })
}

/// Returns the number of a user, and of its group where that is known. A name that is a number is the number.
fn find_user(user: &str, passwd: &str) -> Option<(u32, Option<u32>)> {
    let line = |line: &str| {
        let mut fields = line.split(':');
        let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        Some((name.to_owned(), uid.parse().ok()?, gid.parse().ok()?))
    };
    let mut lines = passwd.lines().filter_map(line);
    match user.parse::<u32>() {
        Ok(number) => {
            let known = lines.find(|(_, uid, _)| *uid == number);
            Some((number, known.map(|(_, _, gid)| gid)))
        }
        Err(_) => match lines.find(|(name, _, _)| name == user) {
            Some((_, uid, gid)) => Some((uid, Some(gid))),
            // Whoever starts at all is that one.
            None => (user == "root").then_some((0, Some(0))),
        },
    }
}

fn find_group(name: &str, group: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let line = |line: &str| {
        let mut fields = line.split(':');
        let (found, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
        (found == name).then(|| gid.parse().ok())?
    };
    group.lines().find_map(line).or((name == "root").then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:101:102::/srv:/sbin/nologin\n7:x:9:9::/:\n";
    const GROUP: &str = "root:x:0:\nwww:x:103:web\n";

    #[test]
    fn names_and_numbers_are_found() {
        for (text, expected) in [
            ("web", Some((101, 102))),
            ("web:www", Some((101, 103))),
            ("web:7", Some((101, 7))),
            ("101", Some((101, 102))),
            ("101:", Some((101, 102))),
            ("500", Some((500, 0))),
            ("500:www", Some((500, 103))),
            ("7", Some((7, 0))),
            ("root", Some((0, 0))),
            (":www", Some((0, 103))),
            ("nobody", None),
            ("web:nobody", None),
            ("-1", None),
            ("4294967296", None),
        ] {
            let found = owner(text, PASSWD, GROUP).map(|Owner { uid, gid }| (uid, gid));
            assert_eq!(found, expected, "{text}");
        }
        let alone = owner("root:root", "", "").map(|Owner { uid, gid }| (uid, gid));
        assert_eq!(alone, Some((0, 0)));
    }
}
