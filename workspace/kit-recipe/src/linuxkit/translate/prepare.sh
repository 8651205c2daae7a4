ln -sfn /run /var/run
touch /run/resolvconf/resolv.conf
