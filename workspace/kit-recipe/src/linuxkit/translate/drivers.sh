find /sys/devices -name modalias -exec cat {} + | sort -u | xargs modprobe -abq
