//! The machine's description.

use super::super::survey::{Survey, UNIT_BYTES};

/// Digits of the largest number, for which there is always room.
const DIGITS: usize = 20;

const ENVELOPE: &str = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" \
xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\" \
xmlns:rasd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData\" \
xmlns:vmw=\"http://www.vmware.com/schema/ovf\" \
xmlns:vssd=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData\">
";

/// What a device of the machine is, in the order of its elements.
const DEVICES: [&[(&str, &str)]; 5] = [
    &[
        ("AllocationUnits", "hertz * 10^6"),
        ("ElementName", "1 virtual CPU"),
        ("InstanceID", "1"),
        ("ResourceType", "3"),
        ("VirtualQuantity", "1"),
    ],
    &[
        ("AllocationUnits", "byte * 2^20"),
        ("ElementName", "1024 MB of memory"),
        ("InstanceID", "2"),
        ("ResourceType", "4"),
        ("VirtualQuantity", "1024"),
    ],
    &[
        ("Address", "0"),
        ("ElementName", "SCSI controller 0"),
        ("InstanceID", "3"),
        ("ResourceSubType", "lsilogic"),
        ("ResourceType", "6"),
    ],
    &[
        ("AddressOnParent", "0"),
        ("ElementName", "Disk 1"),
        ("HostResource", "ovf:/disk/disk1"),
        ("InstanceID", "4"),
        ("Parent", "3"),
        ("ResourceType", "17"),
    ],
    &[
        ("AddressOnParent", "1"),
        ("AutomaticAllocation", "true"),
        ("Connection", "NAT"),
        ("ElementName", "Network adapter 1"),
        ("InstanceID", "5"),
        ("ResourceSubType", "E1000"),
        ("ResourceType", "10"),
    ],
];

/// What is described.
pub(super) struct Machine<'a> {
    pub(super) name: &'a str,
    /// The disk's file, and its bytes.
    pub(super) file: &'a str,
    pub(super) file_bytes: u64,
    pub(super) survey: &'a Survey,
}

impl Machine<'_> {
    /// Returns the description, whose length doesn't depend on the bytes of the disk's file.
    pub(super) fn descriptor(&self) -> String {
        let (name, file) = (escaped(self.name), escaped(self.file));
        let size = format!("ovf:size=\"{}\"", self.file_bytes);
        let width = "ovf:size=\"\"".len() + DIGITS;
        let capacity = self.survey.size;
        let populated = self.survey.used_blocks(UNIT_BYTES) * UNIT_BYTES;
        let firmware = if wants_efi(&self.survey.start) { "efi" } else { "bios" };
        let devices = DEVICES.map(item).concat();
        format!(
            "{ENVELOPE}  <References>
    <File ovf:id=\"file1\" ovf:href=\"{file}\" {size:width$}/>
  </References>
  <DiskSection>
    <Info>Virtual disks</Info>
    <Disk ovf:diskId=\"disk1\" ovf:fileRef=\"file1\" ovf:capacity=\"{capacity}\" \
ovf:capacityAllocationUnits=\"byte\" ovf:populatedSize=\"{populated}\" \
ovf:format=\"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized\"/>
  </DiskSection>
  <NetworkSection>
    <Info>Networks</Info>
    <Network ovf:name=\"NAT\">
      <Description>The network of the machine</Description>
    </Network>
  </NetworkSection>
  <VirtualSystem ovf:id=\"{name}\">
    <Info>A virtual machine</Info>
    <Name>{name}</Name>
    <OperatingSystemSection ovf:id=\"101\" vmw:osType=\"other3xLinux64Guest\">
      <Info>The operating system</Info>
      <Description>Linux (64-bit)</Description>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware</Info>
      <System>
        <vssd:ElementName>Virtual hardware</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{name}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType>
      </System>
{devices}      <vmw:Config ovf:required=\"false\" vmw:key=\"firmware\" vmw:value=\"{firmware}\"/>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
"
        )
    }
}

fn item(device: &[(&str, &str)]) -> String {
    let element = |(key, value): &(&str, &str)| format!("        <rasd:{key}>{value}</rasd:{key}>\n");
    let elements: Vec<_> = device.iter().map(element).collect();
    format!("      <Item>\n{}      </Item>\n", elements.concat())
}

/// Whether a disk has a GPT, and no code in its first sector that a BIOS would start.
fn wants_efi(start: &[u8]) -> bool {
    let has_table = start.get(512..520) == Some(b"EFI PART".as_slice());
    has_table && start[..440].iter().all(|byte| *byte == 0)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
