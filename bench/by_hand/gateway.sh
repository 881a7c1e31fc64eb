rm -f /etc/nginx/sites-enabled/default
nginx -t -q
systemctl enable --now nginx
