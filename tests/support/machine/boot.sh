# A machine in namespaces, whose first process is a real systemd: `sh boot.sh begin FOLDER CGROUP`.
# It sees the files of this machine, and keeps what it changes in memory; `systemctl reboot` boots it again, with another
# boot id. FOLDER is empty, and CGROUP one of version 2 that is its own.
set -eu
part=$1
here=$(cd "$(dirname "$0")" && pwd)
case $part in
begin)
    echo $$ >"$3/cgroup.procs"
    # Who has it made; it does not outlive that.
    owner=$PPID
    export owner
    exec unshare -C -m -u -i -n sh "$here/boot.sh" dress "$2"
    ;;
dress)
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 disk "$2"
    cd "$2"
    mkdir upper work root
    mount -t overlay overlay -o lowerdir=/,upperdir="$2/upper",workdir="$2/work" root
    cp "$here/boot.sh" upper/boot.sh
    cd root
    hostname machine
    echo machine >etc/hostname
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=1777 tmp tmp
    mount -t tmpfs -o mode=755 dev dev
    for name in null zero full random urandom tty; do
        : >dev/$name
        mount --bind /dev/$name dev/$name
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    mount -t tmpfs -o mode=1777 shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ip link set lo up
    # Nothing of what this machine starts.
    rm -rf etc/systemd/system etc/systemd/user var/lib/systemd/linger etc/machine-id
    mkdir etc/systemd/system
    cat /proc/sys/kernel/random/uuid | tr -d - >etc/machine-id
    : >etc/fstab
    # Settings of the kernel are those of the machine outside.
    for unit in systemd-sysctl systemd-modules-load systemd-udevd systemd-udev-trigger systemd-binfmt systemd-resolved \
        systemd-networkd systemd-timesyncd systemd-firstboot docker containerd ssh mariadb postgresql redis-server \
        docker-registry getty-static console-getty e2scrub_reap; do
        ln -s /dev/null etc/systemd/system/$unit.service
    done
    for unit in docker.socket systemd-udevd-control.socket systemd-udevd-kernel.socket getty.target \
        proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
        sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount; do
        ln -s /dev/null etc/systemd/system/$unit
    done
    echo 'ops:x:4242:4242::/home/ops:/bin/sh' >>etc/passwd
    echo 'ops:*:19000:0:99999:7:::' >>etc/shadow
    echo 'ops:x:4242:' >>etc/group
    mkdir -p home/ops srv mnt
    chown 4242:4242 home/ops
    pivot_root . mnt
    exec chroot . sh /boot.sh run
    ;;
run)
    cd /
    umount -l /mnt
    (
        while kill -0 "$owner" 2>/dev/null; do sleep 1; done
        echo 1 >/sys/fs/cgroup/cgroup.kill
    ) &
    while :; do
        ! mountpoint -q /run || umount -l /run
        mount -t tmpfs -o mode=755 run /run
        cat /proc/sys/kernel/random/uuid >/boot_id
        status=0
        unshare -m -p --fork sh /boot.sh first || status=$?
        # Switched off it stays; else it was to boot again, or its power was cut.
        [ $status != 130 ] && [ -d /run/systemd/system ] || exit $status
    done
    ;;
first)
    mount -t proc proc /proc
    mount --bind /proc/sys /proc/sys
    mount -o remount,bind,ro /proc/sys
    mount --bind /boot_id /proc/sys/kernel/random/boot_id
    exec env -i container=box PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        /lib/systemd/systemd --system --unit=multi-user.target --log-target=null
    ;;
esac
