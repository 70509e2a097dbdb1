/*
 * A client with Eclipse Paho's library for C:
 *   client URL CLIENT_ID USER PASSWORD VERSION [CA [CERTIFICATE KEY]]
 * It publishes to itself at QoS 0, 1 and 2, and prints what arrives. VERSION is 4 (MQTT 3.1.1) or 5.
 */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 60000 };

static void check(const char *what, int code) {
  if (code == MQTTCLIENT_SUCCESS) return;
  printf("failed: %s: %d\n", what, code);
  exit(1);
}

static int connect_client(MQTTClient client, int version, int over_web_socket, int argc, char **argv) {
  MQTTClient_connectOptions three = MQTTClient_connectOptions_initializer;
  MQTTClient_connectOptions three_ws = MQTTClient_connectOptions_initializer_ws;
  MQTTClient_connectOptions five = MQTTClient_connectOptions_initializer5;
  MQTTClient_connectOptions five_ws = MQTTClient_connectOptions_initializer5_ws;
  MQTTClient_connectOptions options = version == 5 ? (over_web_socket ? five_ws : five) : (over_web_socket ? three_ws : three);
  MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
  options.username = argv[3];
  options.password = argv[4];
  options.connectTimeout = WAIT_MS / 1000;
  if (version != 5) options.MQTTVersion = version;
  if (argc > 6) {
    tls.trustStore = argv[6];
    tls.verify = 1;
    options.ssl = &tls;
  }
  if (argc > 8) {
    tls.keyStore = argv[7];
    tls.privateKey = argv[8];
  }
  if (version != 5) return MQTTClient_connect(client, &options);
  MQTTResponse response = MQTTClient_connect5(client, &options, NULL, NULL);
  int code = response.reasonCode;
  MQTTResponse_free(response);
  return code;
}

static void subscribe(MQTTClient client, int version, const char *filter) {
  if (version != 5) {
    check("subscribe", MQTTClient_subscribe(client, filter, 2));
    return;
  }
  MQTTResponse response = MQTTClient_subscribe5(client, filter, 2, NULL, NULL);
  check("subscribe", response.reasonCode == MQTTREASONCODE_GRANTED_QOS_2 ? MQTTCLIENT_SUCCESS : response.reasonCode);
  MQTTResponse_free(response);
}

static void publish(MQTTClient client, int version, const char *topic, int qos) {
  MQTTClient_message message = MQTTClient_message_initializer;
  MQTTClient_deliveryToken token;
  char payload[32];
  message.struct_version = 1;
  message.payloadlen = snprintf(payload, sizeof payload, "at %d", qos);
  message.payload = payload;
  message.qos = qos;
  if (version == 5) {
    MQTTResponse response = MQTTClient_publishMessage5(client, topic, &message, &token);
    check("publish", response.reasonCode);
    MQTTResponse_free(response);
  } else {
    check("publish", MQTTClient_publishMessage(client, topic, &message, &token));
  }
  if (qos > 0) check("acknowledgement", MQTTClient_waitForCompletion(client, token, WAIT_MS));
}

static void receive(MQTTClient client) {
  MQTTClient_message *message = NULL;
  char *topic = NULL;
  int length;
  check("receive", MQTTClient_receive(client, &topic, &length, &message, WAIT_MS));
  if (message == NULL) check("receive", MQTTCLIENT_FAILURE);
  printf("got %s %d %.*s\n", topic, message->qos, message->payloadlen, (const char *)message->payload);
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  int version = atoi(argv[5]);
  MQTTClient client;
  MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
  create.MQTTVersion = version;
  char topic[128];
  snprintf(topic, sizeof topic, "clients/%s", argv[2]);
  check("create", MQTTClient_createWithOptions(&client, argv[1], argv[2], MQTTCLIENT_PERSISTENCE_NONE, NULL, &create));
  int refusal = connect_client(client, version, strncmp(argv[1], "ws", 2) == 0, argc, argv);
  if (refusal != 0) {
    printf("refused %d\n", refusal);
    return 0;
  }
  subscribe(client, version, topic);
  for (int qos = 0; qos <= 2; qos++) {
    publish(client, version, topic, qos);
    receive(client);
  }
  if (version == 5) check("disconnect", MQTTClient_disconnect5(client, WAIT_MS, MQTTREASONCODE_SUCCESS, NULL));
  else check("disconnect", MQTTClient_disconnect(client, WAIT_MS));
  MQTTClient_destroy(&client);
  return 0;
}
