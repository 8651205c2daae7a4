use super::*;
use crate::uki::tests::{kernel, sample};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The registers are what each event, one by one, makes of them.
#[test]
fn registers_follow_from_the_events() {
    let sample = sample("NAME=x\n", "quiet", b"initrd", &kernel());
    let registers = predict(&sample.parts, &sample.blobs, SecureBoot::Off).unwrap();
    let extend = |register: [u8; 32], bytes: &[u8]| -> [u8; 32] {
        Sha256::digest([register, Sha256::digest(bytes).into()].concat()).into()
    };
    let of = |events: &[&[u8]]| events.iter().fold([0; 32], |register, event| extend(register, event));
    let kernel = kernel();
    let by_stub: [&[u8]; 8] =
        [b".linux\0", &kernel, b".osrel\0", b"NAME=x\n", b".cmdline\0", b"quiet", b".initrd\0", b"initrd"];
    assert_eq!(hex(&registers[&11].sha256), hex(&of(&by_stub)));
    assert_eq!(hex(&registers[&9].sha256), hex(&of(&[b"q\0u\0i\0e\0t\0\0\0", b"initrd"])));
    assert_eq!(hex(&registers[&12].sha256), "0".repeat(64));
    let image = layout(&sample.parts, &sample.blobs).unwrap();
    let open: Open<'_> = &|| Ok(Box::new(image.stream(&sample.blobs)));
    let image = crate::authenticode::digest(open, image.len()).unwrap();
    let loaded =
        crate::authenticode::digest(&|| Ok(Box::new(kernel.as_slice())), kernel.len() as u64).unwrap();
    let secured = predict(&sample.parts, &sample.blobs, SecureBoot::On).unwrap();
    let mut register = of(&[CALLING, SEPARATOR]);
    for (event, found) in [(image, &secured), (loaded, &registers)] {
        register = Sha256::digest([register, *event.as_bytes()].concat()).into();
        assert_eq!(hex(&found[&4].sha256), hex(&register));
    }
    assert_eq!(secured[&11], registers[&11]);
    assert_eq!(registers.keys().copied().collect::<Vec<_>>(), [4, 9, 11, 12]);
}

/// All banks follow the same events.
#[test]
fn longer_digests_are_of_the_same_events() {
    let first = register(&[Digests::of(b"event")]);
    let event: [u8; 64] = Sha512::digest(b"event").into();
    assert_eq!(hex(&first.sha512), hex(&Sha512::digest([[0; 64], event].concat())));
    let event: [u8; 48] = Sha384::digest(b"event").into();
    assert_eq!(hex(&first.sha384), hex(&Sha384::digest([[0; 48], event].concat())));
}

/// A signature changes nothing that is measured.
#[test]
fn a_signed_image_measures_the_same() {
    let sample = sample("NAME=x\n", "quiet", b"initrd", &kernel());
    let image = layout(&sample.parts, &sample.blobs).unwrap();
    let open: Open<'_> = &|| Ok(Box::new(image.stream(&sample.blobs)));
    let signed =
        crate::authenticode::signed(open, image.len(), &[crate::authenticode::entry(&[1; 100])]).unwrap();
    let signed_open: Open<'_> = &|| Ok(Box::new(signed.stream(image.stream(&sample.blobs))));
    let registers = predict_image(signed_open, signed.length(), SecureBoot::Off).unwrap().unwrap();
    assert_eq!(registers, predict(&sample.parts, &sample.blobs, SecureBoot::Off).unwrap());
    let plain = kernel();
    assert_eq!(
        predict_image(&|| Ok(Box::new(plain.as_slice())), plain.len() as u64, SecureBoot::Off).unwrap(),
        None
    );
}
