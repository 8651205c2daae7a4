use kit_format::gpt::GptError;
use kit_format::largest::LargestPartition;
use kit_format::mbr::MbrError;
use kit_store::ImportError;

use super::*;

#[test]
fn a_full_disk_is_no_fault_of_what_was_under_way() {
    let full = || -> io::Error {
        let source = io::Error::from_raw_os_error(28);
        StoreError::io_sized("write", "/store/tmp/1", 9, source).into()
    };
    let title = || "unpack x".to_owned();
    let path = kit_tree::TreePath::root();
    for error in [
        BuildError::Unpack { title: title(), source: Box::new(full()) },
        BuildError::Write { title: title(), source: Box::new(full()) },
        BuildError::Import { title: title(), source: ImportError::Io { path, source: full() } },
        BuildError::Io { what: "read x".to_owned(), source: full() },
    ] {
        assert_eq!(error.code(), "kit::store::full", "{error:?}");
        assert!(error.help().unwrap().contains("kit store gc"), "{error:?}");
        let said = error.store_error().unwrap().to_string();
        assert_eq!(said, "no space is left for `/store/tmp/1`, which needs at least 9 bytes");
    }
    let other = BuildError::Unpack { title: title(), source: Box::new(io::Error::from_raw_os_error(28)) };
    assert_eq!((other.code(), other.store_error().is_none()), ("kit::unpack::archive", true));
}

#[test]
fn what_has_too_little_room_says_which_key_gives_it() {
    let help = |source: Box<dyn std::error::Error + Send + Sync>| {
        BuildError::Write { title: "output demo raw-bios".to_owned(), source }.help().unwrap()
    };
    let (needed, size) = (2, 1);
    let largest = LargestPartition::of([("esp", 2)].into_iter());
    for disk in [
        help(MbrError::DiskSize { needed, size, largest: largest.clone() }.into()),
        help(GptError::DiskSize { needed, size, largest }.into()),
    ] {
        assert!(disk.contains("`size` in `[disk]`"), "{disk}");
    }
    let (number, label, content) = (2, "root_1".to_owned(), 2);
    let slot = help(GptError::Content { number, label, content, size }.into());
    assert!(slot.contains("`slot-size` in `[disk]`"), "{slot}");
}
