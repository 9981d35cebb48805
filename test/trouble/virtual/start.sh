# Puts /machine on a disk, and runs it with the container's own network card: sh start.sh MEGABYTES
set -eu

# The address is the machine's, with a hardware address of its own.
ip addr flush dev eth0
ip link add br0 type bridge
ip link set eth0 master br0
ip tuntap add tap0 mode tap
ip link set tap0 master br0
for card in eth0 br0 tap0; do ip link set "$card" up; done

[ -f /disk.img ] || mke2fs -q -t ext4 -d /machine /disk.img 8G

# Without KVM: it is not everywhere, and what is proven is the same. What the machine has sent to its disk is there when QEMU is killed, and
# what it had in its memory is lost, as when the power fails.
exec qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "$1" \
  -kernel /machine/boot/vmlinuz-* -initrd /machine/boot/initrd.img-* \
  -append 'root=/dev/vda rw console=ttyS0 net.ifnames=0' \
  -drive file=/disk.img,if=virtio,format=raw,cache=unsafe \
  -netdev tap,id=lan,ifname=tap0,script=no,downscript=no \
  -device virtio-net-pci,netdev=lan,mac=52:54:00:12:34:56 \
  -device virtio-rng-pci -display none -monitor none -serial stdio
