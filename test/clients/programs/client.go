// A client with Eclipse Paho's library for Go:
//
//	client URL CLIENT_ID USER PASSWORD VERSION [CA [CERTIFICATE KEY]]
//
// It publishes to itself at QoS 0, 1 and 2, and prints what arrives. VERSION is 3 (MQTT 3.1) or 4 (MQTT 3.1.1).
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/ioutil"
	"os"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const wait = time.Minute

func check(what string, err error) {
	if err != nil {
		fmt.Printf("failed: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func finish(what string, token mqtt.Token) {
	if !token.WaitTimeout(wait) {
		check(what, fmt.Errorf("no answer"))
	}
	check(what, token.Error())
}

func tlsConfig(files []string) *tls.Config {
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	authority, err := ioutil.ReadFile(files[0])
	check("read CA", err)
	config.RootCAs.AppendCertsFromPEM(authority)
	if len(files) > 2 {
		certificate, err := tls.LoadX509KeyPair(files[1], files[2])
		check("read certificate", err)
		config.Certificates = []tls.Certificate{certificate}
	}
	return config
}

func main() {
	args := os.Args[1:]
	version, err := strconv.Atoi(args[4])
	check("version", err)
	options := mqtt.NewClientOptions().AddBroker(args[0]).SetClientID(args[1]).SetUsername(args[2]).SetPassword(args[3])
	options.SetProtocolVersion(uint(version)).SetConnectTimeout(wait).SetAutoReconnect(false)
	if len(args) > 5 {
		options.SetTLSConfig(tlsConfig(args[5:]))
	}
	client := mqtt.NewClient(options)
	connection := client.Connect()
	if !connection.WaitTimeout(wait) || connection.Error() != nil {
		fmt.Printf("refused %v\n", connection.Error())
		return
	}
	messages := make(chan mqtt.Message)
	topic := "clients/" + args[1]
	finish("subscribe", client.Subscribe(topic, 2, func(_ mqtt.Client, message mqtt.Message) { messages <- message }))
	for qos := byte(0); qos <= 2; qos++ {
		published := client.Publish(topic, qos, false, fmt.Sprintf("at %d", qos))
		message := <-messages
		finish("publish", published)
		fmt.Printf("got %s %d %s\n", message.Topic(), message.Qos(), message.Payload())
	}
	client.Disconnect(250)
}
