#!/usr/bin/php
<?php
// Makes WordPress's tables, its user admin and a first post, unless they are there, and brings the tables of an older one up to date.
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'localhost';
require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

// WordPress would send a mail, with the password's beginning in it.
add_filter('pre_wp_mail', '__return_true');

if (is_blog_installed()) {
    wp_upgrade();
} else {
    wp_install(getenv('TITLE'), 'admin', getenv('EMAIL'), true, '', getenv('PASSWORD'));
}
if (!is_blog_installed()) {
    fwrite(STDERR, "WordPress could not make its tables\n");
    exit(1);
}
