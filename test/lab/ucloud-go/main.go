// Carries calls to UCloud's official Go SDK: one JSON object a line in, what the SDK's model made of the answer a line out.
//
// The request is filled by the names of the SDK's own fields, sent as the SDK sends it, and the answer is read into its model: a field
// of another type is an error. With the single argument "actions" it prints every action that the SDK has, by service.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/label"
	"github.com/ucloud/ucloud-sdk-go/services/nlb"
	"github.com/ucloud/ucloud-sdk-go/services/sts"
	"github.com/ucloud/ucloud-sdk-go/services/uaccount"
	"github.com/ucloud/ucloud-sdk-go/services/udisk"
	"github.com/ucloud/ucloud-sdk-go/services/ufs"
	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/services/ulb"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/services/vpc"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	uerr "github.com/ucloud/ucloud-sdk-go/ucloud/error"
	"github.com/ucloud/ucloud-sdk-go/ucloud/log"
)

type call struct {
	Action string
	Params json.RawMessage
}

type answer struct {
	RetCode int
	Message string
	Answer  any
}

func main() {
	config := ucloud.NewConfig()
	config.BaseUrl = os.Getenv("UCLOUD_API_BASE_URL")
	config.Region = os.Getenv("UCLOUD_REGION")
	config.ProjectId = os.Getenv("UCLOUD_PROJECT_ID")
	config.MaxRetries = 0
	config.LogLevel = log.PanicLevel
	credential := auth.NewCredential()
	credential.PublicKey = os.Getenv("UCLOUD_PUBLIC_KEY")
	credential.PrivateKey = os.Getenv("UCLOUD_PRIVATE_KEY")
	clients := []reflect.Value{
		reflect.ValueOf(uhost.NewClient(&config, &credential)),
		reflect.ValueOf(vpc.NewClient(&config, &credential)),
		reflect.ValueOf(unet.NewClient(&config, &credential)),
		reflect.ValueOf(nlb.NewClient(&config, &credential)),
		reflect.ValueOf(ulb.NewClient(&config, &credential)),
		reflect.ValueOf(udisk.NewClient(&config, &credential)),
		reflect.ValueOf(ufs.NewClient(&config, &credential)),
		reflect.ValueOf(label.NewClient(&config, &credential)),
		reflect.ValueOf(sts.NewClient(&config, &credential)),
		reflect.ValueOf(uaccount.NewClient(&config, &credential)),
	}
	if len(os.Args) == 2 && os.Args[1] == "actions" {
		for _, client := range clients {
			for at := range client.NumMethod() {
				name := client.Type().Method(at).Name
				if client.MethodByName("New" + name + "Request").IsValid() {
					fmt.Println(name)
				}
			}
		}
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fail(err)
		}
		if err := out.Encode(perform(clients, asked)); err != nil {
			fail(err)
		}
	}
}

func perform(clients []reflect.Value, asked call) answer {
	for _, client := range clients {
		make := client.MethodByName("New" + asked.Action + "Request")
		if !make.IsValid() {
			continue
		}
		request := make.Call(nil)[0]
		strict := json.NewDecoder(strings.NewReader(string(asked.Params)))
		strict.DisallowUnknownFields()
		if err := strict.Decode(request.Interface()); err != nil {
			return answer{RetCode: -1, Message: "the SDK's request: " + err.Error()}
		}
		results := client.MethodByName(asked.Action).Call([]reflect.Value{request})
		if err, failed := results[1].Interface().(error); failed {
			if of, known := err.(uerr.Error); known && of.Code() > 0 {
				return answer{RetCode: of.Code(), Message: of.Message()}
			}
			return answer{RetCode: -1, Message: err.Error()}
		}
		return answer{Answer: results[0].Interface()}
	}
	return answer{RetCode: -1, Message: "the SDK has no action " + asked.Action}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
