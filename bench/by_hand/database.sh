scripts/cluster
systemctl enable --now postgresql@15-main
runuser -u postgres -- scripts/database 5432 <scripts/database.stdin
runuser -u postgres -- /srv/by-hand/scripts/migrations 5432 access access /usr/local/share/access-service/store/migrations
