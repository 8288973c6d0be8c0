// Serves Services of type LoadBalancer with upstream's service controller and UCloud's own Go SDK: the peer of our balancer
// controller in ../services.ts. The provider below it is written as users of k8s.io/cloud-provider write theirs: what is there is
// listed, what is missing is made, a call that is refused as one too many is repeated after a growing pause, and any other failure is an
// error that the service controller comes back to.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/ucloud/ucloud-sdk-go/services/nlb"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	uclog "github.com/ucloud/ucloud-sdk-go/ucloud/log"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/cloud-provider/controllers/service"
	"k8s.io/component-base/featuregate"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
)

// Setup is what ../services.ts writes.
type Setup struct {
	Kube struct {
		Server            string
		CA                string
		ClientCertificate struct{ Certificate, Key string }
	}
	Cloud struct {
		Endpoint, Region, Project, PublicKey, PrivateKey, VPC, Subnet string
	}
}

func main() {
	setupFile := flag.String("setup", "", "JSON file with kube and cloud")
	workers := flag.Int("workers", 1, "Services at a time")
	flag.Parse()
	text, err := os.ReadFile(*setupFile)
	check(err)
	var setup Setup
	check(json.Unmarshal(text, &setup))

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client := clientFor(setup)
	factory := informers.NewSharedInformerFactory(client, 0)
	core := factory.Core().V1()
	controller, err := service.New(
		&cloud{balancersFor(setup)}, client, core.Services(), core.Nodes(), "bench", featuregate.NewFeatureGate())
	check(err)
	factory.Start(ctx.Done())
	controller.Run(ctx, *workers, controllersmetrics.NewControllerManagerMetrics("service-controller"))
}

func clientFor(setup Setup) kubernetes.Interface {
	config := &rest.Config{
		Host: setup.Kube.Server,
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   []byte(setup.Kube.CA),
			CertData: []byte(setup.Kube.ClientCertificate.Certificate),
			KeyData:  []byte(setup.Kube.ClientCertificate.Key),
		},
		// What controllers ask of the API server is not what is measured: client-go's own limit would be 5 a second.
		QPS:   1000,
		Burst: 1000,
	}
	client, err := kubernetes.NewForConfig(config)
	check(err)
	return client
}

func balancersFor(setup Setup) *balancers {
	config := ucloud.NewConfig()
	config.BaseUrl = setup.Cloud.Endpoint
	config.Region = setup.Cloud.Region
	config.ProjectId = setup.Cloud.Project
	config.LogLevel = uclog.PanicLevel
	credential := auth.NewCredential()
	credential.PublicKey = setup.Cloud.PublicKey
	credential.PrivateKey = setup.Cloud.PrivateKey
	return &balancers{
		nlb:    nlb.NewClient(&config, &credential),
		unet:   unet.NewClient(&config, &credential),
		vpc:    setup.Cloud.VPC,
		subnet: setup.Cloud.Subnet,
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
