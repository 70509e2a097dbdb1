/**
 * Configs for `init --from`: each has the options of an example that mosquitto ships or of a public repository, and nothing else of it.
 * `{dir}` is a folder with ca.crt, server.crt, server.key, passwd and acl.
 */
export const mosquittoConfs: Readonly<Record<string, string>> = {
  'the image without authentication': 'listener 1883\nallow_anonymous true',
  'a package, without a listener': `pid_file /run/mosquitto/mosquitto.pid
persistence true
persistence_location /var/lib/mosquitto/
log_dest file {dir}/mosquitto.log
include_dir {dir}/conf.d`,
  'a snap': 'persistence false\nuser root',
  'queued bytes': 'sys_interval 1\nmax_queued_messages 0\nmax_queued_bytes 400\nport 1888',
  'a plugin beside a password file': 'listener 1883\nplugin ./deny_versions.so\npassword_file {dir}/passwd',
  'listeners of all kinds, each with its own access': `per_listener_settings true
listener 1883
listener 1884
password_file {dir}/passwd
listener 1885
auth_plugin ./auth_plugin.so
listener 8883
cafile {dir}/ca.crt
certfile {dir}/server.crt
keyfile {dir}/server.key
password_file {dir}/passwd
listener 8884
cafile {dir}/ca.crt
certfile {dir}/server.crt
keyfile {dir}/server.key
require_certificate true
listener 8000
protocol websockets
listener 4430
protocol websockets
cafile {dir}/ca.crt
certfile {dir}/server.crt
keyfile {dir}/server.key
password_file {dir}/passwd`,
  'TCP and WebSocket, open': `listener 1883 0.0.0.0
allow_anonymous true
listener 9001 0.0.0.0
protocol websockets
allow_anonymous true
persistence true
persistence_location {dir}/
log_dest stdout`,
  'passwords for TCP and WebSocket': `persistence true
persistence_location {dir}
log_dest file {dir}/mosquitto.log
listener 1883
listener 9001
protocol websockets
allow_anonymous false
password_file {dir}/passwd`,
  'passwords, an ACL file and limits': `listener 1883
listener 9001
protocol websockets
allow_anonymous false
password_file {dir}/passwd
acl_file {dir}/acl
persistence true
autosave_interval 900
connection_messages true
log_type all
max_queued_messages 20
memory_limit 512000000`,
  'old options': `retry_interval 20
sys_interval 10
store_clean_interval 10
user mosquitto
max_inflight_messages 40
max_queued_messages 200
queue_qos0_messages false
message_size_limit 0
allow_zero_length_clientid true
persistent_client_expiration 3m
allow_duplicate_messages false
autosave_on_changes false
persistence_file mosquitto.db
log_dest stderr
log_timestamp true
listener 1883
listener 9883
protocol websockets`,
  'certificates as user names': `persistence true
log_dest file {dir}/mosquitto.log
log_dest stdout
log_type error
log_type warning
log_type notice
log_type information
max_inflight_messages 20
persistent_client_expiration 14d
listener 1883
protocol mqtt
allow_anonymous true
listener 8883
protocol mqtt
cafile {dir}/ca.crt
certfile {dir}/server.crt
keyfile {dir}/server.key
require_certificate true
use_identity_as_username true
listener 9001
protocol websockets`,
  'TLS without client certificates': `allow_anonymous true
listener 1883 127.0.0.1
listener 8883 127.0.0.1
cafile {dir}/ca.crt
certfile {dir}/server.crt
keyfile {dir}/server.key
tls_version tlsv1.2
require_certificate false`,
  'TLS on the default listener alone': `port 8883
protocol mqtt
cafile {dir}/ca.crt
certfile {dir}/server.crt
keyfile {dir}/server.key
password_file {dir}/passwd`,
  'a bridge, with a plugin': `port 1883
protocol mqtt
listener 9001
protocol websockets
connection central
address broker.example:8883
bridge_cafile {dir}/ca.crt
topic a/# both 0
notifications true
notification_topic state/here
local_password x
remote_username y
round_robin false
try_private true
auth_plugin /etc/mosquitto/go-auth.so
auth_opt_mysql_userquery select password from nodes where name = ?`,
  'a password file alone': `pid_file /var/run/mosquitto.pid
password_file {dir}/passwd
autosave_interval 60
log_dest stdout`,
  'words behind a value': `listener 9001 0.0.0.0
protocol websockets
listener 1883 0.0.0.0
allow_anonymous true
log_type all  # everything`,
  'an address family': `listener 1883
protocol mqtt
listener 9001
protocol websockets
socket_domain ipv4
allow_anonymous true`,
  'listeners with limits of their own': `per_listener_settings true
set_tcp_nodelay true
listener 1883 0.0.0.0
max_qos 1
max_connections 500
allow_anonymous false
acl_file {dir}/acl
password_file {dir}/passwd
listener 1884
mount_point factory/
max_topic_alias 5
acl_file {dir}/acl
password_file {dir}/passwd
listener 0 {dir}/mqtt.sock
allow_anonymous true`,
}
