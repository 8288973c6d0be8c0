// Upstream's cloud-node-lifecycle controller over a cloud that knows no machine: what happens to a cluster's own machines when somebody
// installs a cloud controller that is not made for them. Asks nothing and says nothing but what upstream does.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/cloud-provider/controllers/nodelifecycle"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "who it is to the API server, and where that is")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check(err)
	client, err := kubernetes.NewForConfig(config)
	check(err)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	factory := informers.NewSharedInformerFactory(client, 0)
	// Upstream's own period is 5 s.
	controller, err := nodelifecycle.NewCloudNodeLifecycleController(
		factory.Core().V1().Nodes(), client, knowsNothing{}, time.Second)
	check(err)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	controller.Run(ctx, controllersmetrics.NewControllerManagerMetrics("cloud-node-lifecycle"))
}

// knowsNothing is a provider whose account has no machine.
type knowsNothing struct{}

func (knowsNothing) InstanceExists(context.Context, *v1.Node) (bool, error)   { return false, nil }
func (knowsNothing) InstanceShutdown(context.Context, *v1.Node) (bool, error) { return false, nil }
func (knowsNothing) InstanceMetadata(context.Context, *v1.Node) (*cloudprovider.InstanceMetadata, error) {
	return nil, cloudprovider.InstanceNotFound
}

func (k knowsNothing) InstancesV2() (cloudprovider.InstancesV2, bool)                  { return k, true }
func (knowsNothing) Instances() (cloudprovider.Instances, bool)                        { return nil, false }
func (knowsNothing) Initialize(cloudprovider.ControllerClientBuilder, <-chan struct{}) {}
func (knowsNothing) LoadBalancer() (cloudprovider.LoadBalancer, bool)                  { return nil, false }
func (knowsNothing) Zones() (cloudprovider.Zones, bool)                                { return nil, false }
func (knowsNothing) Clusters() (cloudprovider.Clusters, bool)                          { return nil, false }
func (knowsNothing) Routes() (cloudprovider.Routes, bool)                              { return nil, false }
func (knowsNothing) ProviderName() string                                              { return "knows-nothing" }
func (knowsNothing) HasClusterID() bool                                                { return true }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
