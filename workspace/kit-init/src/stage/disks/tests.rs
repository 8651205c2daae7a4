use super::super::words::parse;
use super::*;

const HASH: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn system(kind: Kind, label: &str) -> Vec<FileSystem> {
    vec![FileSystem { kind, label: label.to_owned() }]
}

fn disk(name: &str, whole: Vec<FileSystem>, partitions: &[(u32, &str, Guid, Vec<FileSystem>)]) -> Disk {
    let partitions = partitions.iter().map(|(number, name, id, systems)| {
        let kind = if *name == "root" { Guid::parse(ROOT_TYPE).unwrap() } else { Guid([9; 16]) };
        let partition =
            Partition { number: *number, kind, id: *id, name: (*name).to_owned(), start: 1024, size: 512 };
        (partition, systems.clone())
    });
    Disk { name: name.to_owned(), whole, partitions: partitions.collect(), problem: None }
}

fn wanted(words: &str) -> Wanted {
    parse(words).unwrap().unwrap()
}

fn chosen(disks: &[Disk], words: &str) -> Option<String> {
    choose(disks, &wanted(words)).unwrap().map(|found| match found.tree {
        Some(tree) => found.data + " " + &tree,
        None => found.data,
    })
}

fn two() -> [Disk; 2] {
    let esp = (1, "esp", Guid([1; 16]), Vec::new());
    let root = (2, "root", Guid([2; 16]), system(Kind::Erofs, "inner"));
    let other = (3, "other", Guid([3; 16]), system(Kind::Squashfs, ""));
    [
        disk("nvme0n1", system(Kind::Ext4, "data"), &[]),
        disk("vda", system(Kind::Iso9660, "KIT"), &[esp, root, other]),
    ]
}

#[test]
fn each_place_is_found() {
    let disks = two();
    for (words, device) in [
        ("kit.root=ext4:disk", "nvme0n1"),
        ("kit.root=ext4:label:data", "nvme0n1"),
        ("kit.root=iso9660:disk", "vda"),
        ("kit.root=erofs:type", "vda2"),
        ("kit.root=erofs:label:root", "vda2"),
        ("kit.root=erofs:label:inner", "vda2"),
        ("kit.root=squashfs:partuuid:03030303-0303-0303-0303-030303030303", "vda3"),
    ] {
        assert_eq!(chosen(&disks, words).as_deref(), Some(device), "{words}");
    }
    for words in ["kit.root=erofs:disk", "kit.root=ext4:label:KIT", "kit.root=erofs:label:none"] {
        assert_eq!(chosen(&disks, words), None, "{words}");
    }
}

#[test]
fn of_several_the_first_by_name_counts() {
    let disks = [disk("sda", Vec::new(), &[]), disk("sr0", system(Kind::Squashfs, ""), &[])];
    let later = disk("vda", system(Kind::Squashfs, ""), &[]);
    assert_eq!(chosen(&[&disks[..], &[later]].concat(), "kit.root=squashfs:disk").as_deref(), Some("sr0"));
}

#[test]
fn a_partition_that_is_something_else_is_told_at_once() {
    let failure = choose(&two(), &wanted("kit.root=squashfs:type")).unwrap_err().to_string();
    assert_eq!(failure, "cannot use the root squashfs:type: that is /dev/vda2, which is erofs");
    let failure = choose(&two(), &wanted("kit.root=erofs:label:esp")).unwrap_err().to_string();
    assert!(
        failure.ends_with("that is /dev/vda1, which is none of erofs, squashfs, iso9660, ext4"),
        "{failure}"
    );
}

#[test]
fn a_hash_names_both_partitions_of_one_disk() {
    let (data, tree) = wanted(&format!("kit.root=erofs:type kit.roothash={HASH}")).verity_ids().unwrap();
    let root = (1, "root", data, Vec::new());
    let hashes = (2, "root-verity", tree, Vec::new());
    let half = disk("mmcblk0", Vec::new(), std::slice::from_ref(&root));
    let disks = [half.clone(), disk("mmcblk1", Vec::new(), &[root, hashes])];
    let words = |place: &str| format!("kit.root=erofs:{place} kit.roothash={HASH}");
    assert_eq!(chosen(&disks, &words("type")).as_deref(), Some("mmcblk1p1 mmcblk1p2"));
    assert_eq!(chosen(&disks, &words("label:root")).as_deref(), Some("mmcblk1p1 mmcblk1p2"));
    assert_eq!(chosen(&[half], &words("type")), None);
    let failure = choose(&disks, &wanted(&words("label:root-b"))).unwrap_err().to_string();
    assert!(failure.contains("is another one, /dev/mmcblk1p1"), "{failure}");
}

#[test]
fn what_there_is_can_be_told() {
    assert_eq!(describe(&[]), "there is no disk, or no driver for it");
    let damaged = Disk { problem: Some("no medium".to_owned()), ..disk("sr0", Vec::new(), &[]) };
    assert_eq!(
        describe(&[damaged, disk("vdb", Vec::new(), &[]), two()[1].clone()]),
        "there is sr0: (no medium), vdb: nothing known, vda: iso9660 labelled KIT \
         [1 esp 01010101-0101-0101-0101-010101010101] [2 root 02020202-0202-0202-0202-020202020202 erofs labelled inner] \
         [3 other 03030303-0303-0303-0303-030303030303 squashfs]"
    );
}
