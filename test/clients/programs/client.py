"""A client with Eclipse Paho's library for Python:

    client.py URL CLIENT_ID USER PASSWORD VERSION [CA [CERTIFICATE KEY]]

It publishes to itself at QoS 0, 1 and 2, and prints what arrives. VERSION is 3 (MQTT 3.1), 4 (MQTT 3.1.1) or 5.
"""

import queue
import sys
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt

URL, CLIENT_ID, USER, PASSWORD, VERSION, *FILES = sys.argv[1:]
WAIT_SECONDS = 60
address = urlsplit(URL)
options = {
    "client_id": CLIENT_ID,
    "protocol": int(VERSION),
    "transport": "websockets" if address.scheme.startswith("ws") else "tcp",
}
# paho 2 wants to know which form the callbacks have.
if hasattr(mqtt, "CallbackAPIVersion"):
    options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
client = mqtt.Client(**options)
client.username_pw_set(USER, PASSWORD)
if address.path:
    client.ws_set_options(path=address.path)
if FILES:
    certificate, key = FILES[1:3] if len(FILES) > 2 else (None, None)
    client.tls_set(ca_certs=FILES[0], certfile=certificate, keyfile=key)

answers, messages = queue.Queue(), queue.Queue()
client.on_connect = lambda c, u, flags, code, *rest: answers.put(code if isinstance(code, int) else code.value)
client.on_subscribe = lambda *rest: answers.put("subscribed")
client.on_message = lambda c, u, message: messages.put(message)
client.connect(address.hostname, address.port)
client.loop_start()
code = answers.get(timeout=WAIT_SECONDS)
if code != 0:
    print(f"refused {code}")
    sys.exit(0)
topic = f"clients/{CLIENT_ID}"
client.subscribe(topic, 2)
assert answers.get(timeout=WAIT_SECONDS) == "subscribed"
for qos in (0, 1, 2):
    client.publish(topic, f"at {qos}", qos).wait_for_publish()
    message = messages.get(timeout=WAIT_SECONDS)
    print(f"got {message.topic} {message.qos} {message.payload.decode()}")
client.disconnect()
client.loop_stop()
