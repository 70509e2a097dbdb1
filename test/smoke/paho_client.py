"""Talks to a broker as Python's paho-mqtt does, in MQTT 3.1.1 or 5.0: python3 paho_client.py PORT VERSION"""

import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PORT, VERSION = int(sys.argv[1]), int(sys.argv[2])
WAIT_SECONDS = 10


class Client:
    """A client whose events are waited for one by one."""

    def __init__(self, name, session=False, will=None):
        self.events = queue.Queue()
        self.messages = queue.Queue()
        options = {"client_id": f"paho {VERSION} {name}", "protocol": VERSION}
        if VERSION < mqtt.MQTTv5:
            options["clean_session"] = not session
        # paho 2 wants to know which form the callbacks have.
        if hasattr(mqtt, "CallbackAPIVersion"):
            options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
        self.client = mqtt.Client(**options)
        self.client.on_connect = lambda c, u, flags, *rest: self.events.put(flags)
        self.client.on_subscribe = lambda *rest: self.events.put("subscribed")
        self.client.on_disconnect = lambda *rest: self.events.put("disconnected")
        self.client.on_message = lambda c, u, message: self.messages.put(message)
        if will is not None:
            self.client.will_set(will, b"gone", qos=1)
        more = {}
        if VERSION == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 600 if session else 0
            more = {"clean_start": not session, "properties": properties}
        self.client.connect("127.0.0.1", PORT, keepalive=30, **more)
        self.client.loop_start()
        self.flags = self.events.get(timeout=WAIT_SECONDS)

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        assert self.events.get(timeout=WAIT_SECONDS) == "subscribed"

    def publish(self, topic, payload, qos=1, **more):
        info = self.client.publish(topic, payload, qos, **more)
        info.wait_for_publish()

    def next(self):
        return self.messages.get(timeout=WAIT_SECONDS)

    def leave(self):
        self.client.disconnect()
        assert self.events.get(timeout=WAIT_SECONDS) == "disconnected"
        self.client.loop_stop()

    def vanish(self):
        self.client.loop_stop()
        self.client._sock.close()


def quality_of_service():
    publisher, subscriber = Client("publisher"), Client("subscriber")
    subscriber.subscribe(f"paho/{VERSION}/#", 2)
    for qos in (0, 1, 2):
        publisher.publish(f"paho/{VERSION}/{qos}", f"at {qos}", qos)
        message = subscriber.next()
        assert (message.topic, message.payload, message.qos) == (f"paho/{VERSION}/{qos}", f"at {qos}".encode(), qos)
    numbers = [f"{n}".encode() for n in range(300)]
    for number in numbers:
        publisher.client.publish(f"paho/{VERSION}/many", number, 2)
    assert [subscriber.next().payload for _ in numbers] == numbers
    publisher.leave()
    subscriber.leave()


def retained_and_will():
    publisher = Client("publisher")
    publisher.publish(f"paho/{VERSION}/retained", "kept", 1, retain=True)
    witness = Client("witness")
    witness.subscribe([(f"paho/{VERSION}/retained", 1), (f"paho/{VERSION}/will", 1)], 1)
    message = witness.next()
    assert (message.payload, message.retain) == (b"kept", True)
    Client("lost", will=f"paho/{VERSION}/will").vanish()
    assert witness.next().payload == b"gone"
    publisher.publish(f"paho/{VERSION}/retained", b"", 1, retain=True)
    publisher.leave()
    witness.leave()


def session():
    first = Client("session", session=True)
    first.subscribe(f"paho/{VERSION}/session", 2)
    first.leave()
    publisher = Client("publisher")
    for text in ("a", "b", "c"):
        publisher.publish(f"paho/{VERSION}/session", text, 2)
    again = Client("session", session=True)
    assert again.flags["session present"] == 1
    assert [again.next().payload for _ in range(3)] == [b"a", b"b", b"c"]
    again.leave()
    Client("session").leave()
    publisher.leave()


def properties_of_messages():
    publisher, subscriber = Client("publisher"), Client("subscriber")
    subscriber.subscribe("paho/properties", 1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("b", "1"), ("a", "2"), ("b", "3")]
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "paho/answers"
    properties.CorrelationData = b"\x00\xff"
    publisher.publish("paho/properties", "x", 1, properties=properties)
    received = subscriber.next().properties
    assert received.UserProperty == [("b", "1"), ("a", "2"), ("b", "3")]
    assert (received.ContentType, received.ResponseTopic) == ("text/plain", "paho/answers")
    assert received.CorrelationData == b"\x00\xff"
    publisher.leave()
    subscriber.leave()


for check in (quality_of_service, retained_and_will, session):
    check()
    print(f"ok {check.__name__}", flush=True)
if VERSION == mqtt.MQTTv5:
    properties_of_messages()
    print("ok properties_of_messages", flush=True)
