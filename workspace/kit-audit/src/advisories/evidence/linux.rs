//! Which options and modules of the kernel have the code that an advisory is about.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kernel, Setting};
use crate::advisories::matching::Match;

/// Debian's source package.
pub(super) const SOURCE: &str = "linux";

/// What a part of the kernel is called, where it is, and what builds it.
///
/// A row is a prefix, which is what the titles of fixes of that part start with and hence the texts of advisories since 2024; its
/// directory, or `-`, by which older texts name it; the options without any of which nothing of it is built; and its modules, or `-`
/// where it can't be a module or has too many. `*` at the end of a module stands for anything. A row is right only if the prefix stands
/// for code that nothing else builds: `drm/i915` has the options of `xe`, too, which builds its display code.
pub const ROWS: &str = "\
afs|fs/afs/|AFS_FS|kafs
ALSA: usb-audio|-|SND_USB_AUDIO|snd_usb_audio snd_usbmidi_lib
apparmor|security/apparmor/|SECURITY_APPARMOR|-
batman-adv|net/batman-adv/|BATMAN_ADV|batman_adv
bcachefs|fs/bcachefs/|BCACHEFS_FS|bcachefs
Bluetooth: btusb|-|BT_HCIBTUSB|btusb
bnxt_en|drivers/net/ethernet/broadcom/bnxt/|BNXT|bnxt_en
bonding|drivers/net/bonding/|BONDING|bonding
btrfs|fs/btrfs/|BTRFS_FS|btrfs
can: isotp|-|CAN_ISOTP|can_isotp
can: j1939|net/can/j1939/|CAN_J1939|can_j1939
ceph|fs/ceph/|CEPH_FS|ceph
cifs|fs/cifs/|CIFS|cifs
drbd|drivers/block/drbd/|BLK_DEV_DRBD|drbd
drm/amd/display|drivers/gpu/drm/amd/display/|DRM_AMDGPU|amdgpu
drm/amd/pm|drivers/gpu/drm/amd/pm/|DRM_AMDGPU|amdgpu
drm/amdgpu|drivers/gpu/drm/amd/amdgpu/|DRM_AMDGPU|amdgpu
drm/amdkfd|drivers/gpu/drm/amd/amdkfd/|DRM_AMDGPU|amdgpu
drm/i915|drivers/gpu/drm/i915/|DRM_I915 DRM_XE|i915 kvmgt xe
drm/msm|drivers/gpu/drm/msm/|DRM_MSM|msm
drm/nouveau|drivers/gpu/drm/nouveau/|DRM_NOUVEAU|nouveau
drm/panfrost|drivers/gpu/drm/panfrost/|DRM_PANFROST|panfrost
drm/qxl|drivers/gpu/drm/qxl/|DRM_QXL|qxl
drm/radeon|drivers/gpu/drm/radeon/|DRM_RADEON|radeon
drm/v3d|drivers/gpu/drm/v3d/|DRM_V3D|v3d
drm/vc4|drivers/gpu/drm/vc4/|DRM_VC4|vc4
drm/virtio|drivers/gpu/drm/virtio/|DRM_VIRTIO_GPU|virtio_gpu
drm/vmwgfx|drivers/gpu/drm/vmwgfx/|DRM_VMWGFX|vmwgfx
drm/xe|drivers/gpu/drm/xe/|DRM_XE|xe
erofs|fs/erofs/|EROFS_FS|erofs
exfat|fs/exfat/|EXFAT_FS|exfat
ext4|fs/ext4/|EXT4_FS|ext4
f2fs|fs/f2fs/|F2FS_FS|f2fs
fs/9p|fs/9p/|9P_FS|9p
fs/ntfs3|fs/ntfs3/|NTFS3_FS|ntfs3
geneve|-|GENEVE|geneve
gfs2|fs/gfs2/|GFS2_FS|gfs2
gtp|-|GTP|gtp
hfs|fs/hfs/|HFS_FS|hfs
hfsplus|fs/hfsplus/|HFSPLUS_FS|hfsplus
i40e|drivers/net/ethernet/intel/i40e/|I40E|i40e
iavf|drivers/net/ethernet/intel/iavf/|IAVF|iavf
ice|drivers/net/ethernet/intel/ice/|ICE|ice
igb|drivers/net/ethernet/intel/igb/|IGB|igb
igc|drivers/net/ethernet/intel/igc/|IGC|igc
ipvlan|drivers/net/ipvlan/|IPVLAN|ipvlan ipvtap
io_uring|io_uring/|IO_URING|-
isofs|fs/isofs/|ISO9660_FS|isofs
ixgbe|drivers/net/ethernet/intel/ixgbe/|IXGBE|ixgbe
jfs|fs/jfs/|JFS_FS|jfs
ksmbd|fs/smb/server/|SMB_SERVER|ksmbd
KVM: nSVM|-|KVM_AMD|kvm_amd
KVM: nVMX|-|KVM_INTEL|kvm_intel
KVM: SVM|-|KVM_AMD|kvm_amd
KVM: VMX|-|KVM_INTEL|kvm_intel
landlock|security/landlock/|SECURITY_LANDLOCK|-
libceph|net/ceph/|CEPH_LIB|libceph
macsec|-|MACSEC|macsec
media: uvcvideo|drivers/media/usb/uvc/|USB_VIDEO_CLASS|uvcvideo
mptcp|net/mptcp/|MPTCP|-
nbd|-|BLK_DEV_NBD|nbd
net/mlx5|drivers/net/ethernet/mellanox/mlx5/|MLX5_CORE|mlx5_core
net/mlx5e|-|MLX5_CORE|mlx5_core
net/smc|net/smc/|SMC|smc smc_diag
NFSD|fs/nfsd/|NFSD|nfsd
nfsd|fs/nfsd/|NFSD|nfsd
nilfs2|fs/nilfs2/|NILFS2_FS|nilfs2
nouveau|drivers/gpu/drm/nouveau/|DRM_NOUVEAU|nouveau
nvmet|drivers/nvme/target/|NVME_TARGET|nvmet nvmet_* nvme_loop
nvmet-tcp|-|NVME_TARGET_TCP|nvmet_tcp
ntfs3|fs/ntfs3/|NTFS3_FS|ntfs3
ocfs2|fs/ocfs2/|OCFS2_FS|ocfs2*
openvswitch|net/openvswitch/|OPENVSWITCH|openvswitch
net: openvswitch|net/openvswitch/|OPENVSWITCH|openvswitch
orangefs|fs/orangefs/|ORANGEFS_FS|orangefs
RDMA/irdma|drivers/infiniband/hw/irdma/|INFINIBAND_IRDMA|irdma
RDMA/mlx5|drivers/infiniband/hw/mlx5/|MLX5_INFINIBAND|mlx5_ib
RDMA/rxe|drivers/infiniband/sw/rxe/|RDMA_RXE|rdma_rxe
RDMA/siw|drivers/infiniband/sw/siw/|RDMA_SIW|siw
rxrpc|net/rxrpc/|AF_RXRPC|rxrpc
scsi: lpfc|drivers/scsi/lpfc/|SCSI_LPFC|lpfc
scsi: megaraid_sas|-|MEGARAID_SAS|megaraid_sas
scsi: mpi3mr|drivers/scsi/mpi3mr/|SCSI_MPI3MR|mpi3mr
scsi: mpt3sas|drivers/scsi/mpt3sas/|SCSI_MPT3SAS|mpt3sas
scsi: qla2xxx|drivers/scsi/qla2xxx/|SCSI_QLA_FC|qla2xxx tcm_qla2xxx
sctp|net/sctp/|IP_SCTP|sctp sctp_diag
smb: client|fs/smb/client/|CIFS|cifs
smb: server|fs/smb/server/|SMB_SERVER|ksmbd
squashfs|fs/squashfs/|SQUASHFS|squashfs
Squashfs|fs/squashfs/|SQUASHFS|squashfs
team|drivers/net/team/|NET_TEAM|team team_mode_*
tipc|net/tipc/|TIPC|tipc tipc_diag
udf|fs/udf/|UDF_FS|udf
usb: gadget: f_fs|-|USB_F_FS USB_FUNCTIONFS|usb_f_fs g_ffs
vhost/vsock|-|VHOST_VSOCK|vhost_vsock
vmxnet3|drivers/net/vmxnet3/|VMXNET3|vmxnet3
vxlan|drivers/net/vxlan/|VXLAN|vxlan
wifi: ath10k|drivers/net/wireless/ath/ath10k/|ATH10K|ath10k*
wifi: ath11k|drivers/net/wireless/ath/ath11k/|ATH11K|ath11k*
wifi: ath12k|drivers/net/wireless/ath/ath12k/|ATH12K|ath12k*
wifi: ath9k|drivers/net/wireless/ath/ath9k/|ATH9K ATH9K_HTC ATH9K_HW ATH9K_COMMON|ath9k*
wifi: brcmfmac|drivers/net/wireless/broadcom/brcm80211/brcmfmac/|BRCMFMAC|brcmfmac*
wifi: brcmsmac|drivers/net/wireless/broadcom/brcm80211/brcmsmac/|BRCMSMAC|brcmsmac
wifi: carl9170|drivers/net/wireless/ath/carl9170/|CARL9170|carl9170
wifi: iwlwifi|drivers/net/wireless/intel/iwlwifi/|IWLWIFI|iwl*
wifi: mt76|drivers/net/wireless/mediatek/mt76/|MT76_CORE|mt7*
wifi: mwifiex|drivers/net/wireless/marvell/mwifiex/|MWIFIEX|mwifiex*
wifi: rtw88|drivers/net/wireless/realtek/rtw88/|RTW88 RTW88_CORE|rtw88* rtwpci rtw_*
wifi: rtw89|drivers/net/wireless/realtek/rtw89/|RTW89 RTW89_CORE|rtw89* rtw_*
wifi: wilc1000|drivers/net/wireless/microchip/wilc1000/|WILC1000|wilc1000*
wireguard|drivers/net/wireguard/|WIREGUARD|wireguard
xfs|fs/xfs/|XFS_FS|xfs
";

/// A row of the table.
struct Row {
    prefix: &'static str,
    directory: Option<&'static str>,
    options: Vec<&'static str>,
    modules: Vec<&'static str>,
}

impl Row {
    fn parse(line: &'static str) -> Option<Self> {
        let [prefix, directory, options, modules] = line.split('|').collect::<Vec<_>>().try_into().ok()?;
        let words = |text: &'static str| text.split(' ').filter(|word| *word != "-").collect();
        let directory = Some(directory).filter(|directory| *directory != "-");
        Some(Self { prefix, directory, options: words(options), modules: words(modules) })
    }
}

/// Returns the row of what a text is about.
fn row(summary: &str) -> Option<Row> {
    // A title starts with the whole prefix: `ext4: …` is one, `ext4/jbd2: …` isn't.
    let has_prefix = |line: &&str| {
        let (prefix, _) = line.split_once('|').unwrap_or((line, ""));
        summary.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(": "))
    };
    if let Some(line) = ROWS.lines().find(has_prefix) {
        return Row::parse(line);
    }
    let path = path(summary)?;
    let is_in = |row: &Row| row.directory.is_some_and(|directory| path.starts_with(directory));
    ROWS.lines().filter_map(Row::parse).find(is_in)
}

/// Returns why the code of an advisory isn't in the image.
pub(super) fn proof(found: &Match, kernel: &Kernel) -> Option<String> {
    match kernel {
        Kernel::Unknown => None,
        Kernel::Missing => only_headers(&found.installed.binaries),
        Kernel::Known { options, modules } => not_built(&row(&found.summary)?, options, modules),
    }
}

/// Returns the file that an older text is about: `… in fs/btrfs/ctree.c in the Linux kernel …`, if it is about one only.
fn path(summary: &str) -> Option<&str> {
    let (front, rest) = summary.split_once(" in the Linux kernel")?;
    let (_, path) = front.rsplit_once(' ')?;
    let is_file = |word: &str| word.contains('/') && matches!(word.rsplit_once('.'), Some((_, "c" | "h")));
    let files = summary.split([' ', ',', ';', '(', ')']).filter(|word| is_file(word)).count();
    (front.ends_with(&format!(" in {path}")) && is_file(path) && files == 1 && !rest.is_empty())
        .then_some(path)
}

fn not_built(row: &Row, options: &BTreeMap<String, Setting>, modules: &BTreeSet<String>) -> Option<String> {
    // A kernel without any option is one whose configuration isn't known.
    if options.is_empty() {
        return None;
    }
    let named = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let configs = || {
        let configs: Vec<_> = row.options.iter().map(|option| format!("CONFIG_{option}")).collect();
        named(&configs.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let set: Vec<_> = row.options.iter().filter_map(|option| options.get(*option)).collect();
    if set.is_empty() {
        return Some(format!(
            "the advisory is about `{}`, and the kernel is built without {}",
            row.prefix,
            configs()
        ));
    }
    if row.modules.is_empty() || set.contains(&&Setting::BuiltIn) {
        return None;
    }
    let is_module = |name: &String| {
        let name = name.replace('-', "_");
        row.modules.iter().any(|module| match module.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *module,
        })
    };
    if modules.iter().any(is_module) {
        return None;
    }
    Some(format!(
        "the advisory is about `{}`, which {} builds as a module, and the image has no module {}",
        row.prefix,
        configs(),
        named(&row.modules)
    ))
}

/// Headers are no code that runs; other packages of the source are programs with vulnerabilities of their own.
fn only_headers(binaries: &[String]) -> Option<String> {
    let is_headers = |name: &String| name == "linux-libc-dev" || name.starts_with("linux-headers-");
    let is_proved = !binaries.is_empty() && binaries.iter().all(is_headers);
    let names = binaries.join("`, `");
    is_proved.then(|| format!("the image has no kernel, and of this source only the headers in `{names}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        let rows: Vec<_> = ROWS.lines().filter_map(Row::parse).collect();
        assert_eq!(rows.len(), ROWS.lines().count());
        assert!(rows.len() >= 40, "{}", rows.len());
        let prefixes: BTreeSet<_> = rows.iter().map(|row| row.prefix).collect();
        assert_eq!(prefixes.len(), rows.len(), "a prefix is there twice");
        for row in &rows {
            assert!(!row.prefix.is_empty() && !row.prefix.ends_with(':'), "{}", row.prefix);
            assert!(!row.options.is_empty(), "{}", row.prefix);
            let is_option =
                |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            assert!(
                row.options.iter().all(|option| !option.is_empty() && is_option(option)),
                "{}",
                row.prefix
            );
            assert!(row.modules.iter().all(|m| m.len() > 1 && !m.contains('-')), "{}", row.prefix);
            assert!(row.directory.is_none_or(|directory| directory.ends_with('/')), "{}", row.prefix);
        }
    }

    #[test]
    fn only_texts_of_one_file_name_a_path() {
        for (summary, expected) in [
            (
                "The f function in fs/btrfs/ctree.c in the Linux kernel before 4.10 allows …",
                Some("fs/btrfs/ctree.c"),
            ),
            ("A flaw in fs/btrfs/ctree.c and fs/btrfs/file.c in the Linux kernel before 4.10", None),
            ("A flaw in fs/btrfs/ctree.c in the Linux kernel before 4.10, as shown by fs/xfs/a.c", None),
            ("A flaw near fs/btrfs/ctree.c in the Linux kernel before 4.10", None),
            ("A flaw in the Linux kernel at fs/btrfs/ctree.c", None),
            ("btrfs: in fs/btrfs/ctree.c", None),
        ] {
            assert_eq!(path(summary), expected, "{summary}");
        }
    }
}
