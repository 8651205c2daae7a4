use super::*;

fn sector_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = vec![0x11; SECTOR];
    image[at..at + bytes.len()].copy_from_slice(bytes);
    image[510..].copy_from_slice(&[0x55, 0xaa]);
    image
}

/// A core of so many sectors whose list has so many.
fn core_of(sectors: usize, list: u16) -> Vec<u8> {
    let mut core = vec![0x22; sectors * SECTOR - 100];
    core[BLOCK_LIST..][..8].copy_from_slice(&2_u64.to_le_bytes());
    core[BLOCK_LIST + 8..][..2].copy_from_slice(&list.to_le_bytes());
    core
}

#[test]
fn a_disk_is_told_where_the_core_lies() {
    let code = boot_code(&sector_with(DRIVE_CHECK, &DRIVE_CHECK_CODE), 0x0102_0304_0506).unwrap();
    assert_eq!(code.len(), CODE);
    assert_eq!(code[0x5c..0x68], [6, 5, 4, 3, 2, 1, 0, 0, 0x11, 0x11, 0x90, 0x90]);
    assert!(code[..0x5c].iter().chain(&code[0x68..]).all(|byte| *byte == 0x11));
    let core = core(&core_of(5, 4), 34).unwrap();
    assert_eq!(core.len(), 5 * SECTOR);
    assert_eq!(core[BLOCK_LIST..][..10], [35, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    assert!(core[core.len() - 100..].iter().all(|byte| *byte == 0));
}

#[test]
fn an_iso_is_told_where_the_core_lies() {
    let code = hybrid_code(&sector_with(0, &[]), 400).unwrap();
    assert_eq!(code[HYBRID_KERNEL_SECTOR..], [0x94, 1, 0, 0, 0, 0, 0, 0]);
    let mut image = [vec![0; CD_CODE], core_of(3, 2)].concat();
    patch_eltorito(&mut image, 400).unwrap();
    assert_eq!(image[0x9f4..][..8], 405_u64.to_le_bytes());
}

#[test]
fn other_images_are_refused() {
    let problem = |result: Result<Vec<u8>, GrubError>| result.unwrap_err().to_string();
    let prefix = "is not an image of GRUB 2 as `bios-boot` has it:";
    for (found, text) in [
        (
            problem(boot_code(&[0; 512], 1).map(Vec::from)),
            format!("`boot.img` {prefix} it isn't one sector of code"),
        ),
        (
            problem(boot_code(&sector_with(0, &[]), 1).map(Vec::from)),
            format!("`boot.img` {prefix} there is no check of the drive at byte 0x66"),
        ),
        (problem(core(&core_of(4, 4), 1)), format!("`core.img` {prefix} its block list has another length")),
        (problem(core(&[], 1)), format!("`core.img` {prefix} it is too short")),
        (
            problem(hybrid_code(&[0; 511], 1).map(Vec::from)),
            format!("`hybrid.img` {prefix} it isn't one sector of code"),
        ),
        (
            problem(patch_eltorito(&mut [0; 99], 1).map(|()| Vec::new())),
            format!("`eltorito.img` {prefix} it is too short"),
        ),
    ] {
        assert_eq!(found, text);
    }
}

#[test]
fn the_configuration_has_the_command_line_word_by_word() {
    assert_eq!(
        configuration("console=ttyS0  a=$b;{c} quiet").unwrap(),
        "if serial --unit=0 --speed=115200; then\n  terminal_input console serial\n  terminal_output console serial\nfi\n\
         set gfxpayload=text\nlinux /boot/kernel 'console=ttyS0' 'a=$b;{c}' 'quiet'\ninitrd /boot/initrd\nboot\n"
    );
    for text in ["a=\"b c\"", "it's", "a\\b", "a\nb"] {
        assert!(matches!(configuration(text), Err(GrubError::Character { .. })), "{text:?}");
    }
}
