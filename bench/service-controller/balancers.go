package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ucloud/ucloud-sdk-go/services/nlb"
	"github.com/ucloud/ucloud-sdk-go/services/unet"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	v1 "k8s.io/api/core/v1"
	cloudprovider "k8s.io/cloud-provider"
)

// existing names a load balancer that is there already: its Service has no other, and no public address.
const existing = "isthmus.dev/balancer-id"

// checkPort is kube-proxy's, as our controller has it.
const checkPort = 10256

const pageSize = 100

type balancers struct {
	nlb         *nlb.NLBClient
	unet        *unet.UNetClient
	vpc, subnet string
}

func (b *balancers) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(service)
}

func (b *balancers) GetLoadBalancer(ctx context.Context, cluster string, service *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	balancer, err := b.find(ctx, cluster, service)
	if err != nil || balancer == nil {
		return nil, false, err
	}
	return statusOf(balancer), true, nil
}

func (b *balancers) EnsureLoadBalancer(ctx context.Context, cluster string, service *v1.Service, nodes []*v1.Node) (*v1.LoadBalancerStatus, error) {
	balancer, err := b.find(ctx, cluster, service)
	if err != nil {
		return nil, err
	}
	if balancer == nil {
		if balancer, err = b.create(b.GetLoadBalancerName(ctx, cluster, service)); err != nil {
			return nil, err
		}
	}
	if err := b.ensureListeners(balancer, service, nodes); err != nil {
		return nil, err
	}
	if isPublic(service) && !slices.ContainsFunc(balancer.IPInfos, isInternet) {
		ip, err := b.ensureAddress(balancer)
		if err != nil {
			return nil, err
		}
		return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: ip}}}, nil
	}
	return statusOf(balancer), nil
}

func (b *balancers) UpdateLoadBalancer(ctx context.Context, cluster string, service *v1.Service, nodes []*v1.Node) error {
	balancer, err := b.find(ctx, cluster, service)
	if err != nil {
		return err
	}
	if balancer == nil {
		return fmt.Errorf("no load balancer for %s/%s", service.Namespace, service.Name)
	}
	return b.ensureListeners(balancer, service, nodes)
}

// Nothing is deleted while it is measured.
func (b *balancers) EnsureLoadBalancerDeleted(context.Context, string, *v1.Service) error {
	return cloudprovider.NotImplemented
}

// find gives nil when there is none yet; one that is named by its Service must be there.
func (b *balancers) find(ctx context.Context, cluster string, service *v1.Service) (*nlb.NetworkLoadBalancer, error) {
	if id := service.Annotations[existing]; id != "" {
		return b.get(id)
	}
	name := b.GetLoadBalancerName(ctx, cluster, service)
	for offset := 0; ; offset += pageSize {
		request := b.nlb.NewDescribeNetworkLoadBalancersRequest()
		request.VPCId = ucloud.String(b.vpc)
		request.ShowDetail = ucloud.Bool(true)
		request.Offset = ucloud.Int(offset)
		request.Limit = ucloud.Int(pageSize)
		response, err := ask(b.nlb.DescribeNetworkLoadBalancers, request)
		if err != nil {
			return nil, err
		}
		for _, one := range response.NLBs {
			if one.Name == name {
				return &one, nil
			}
		}
		if len(response.NLBs) < pageSize {
			return nil, nil
		}
	}
}

func (b *balancers) get(id string) (*nlb.NetworkLoadBalancer, error) {
	request := b.nlb.NewDescribeNetworkLoadBalancersRequest()
	request.NLBIds = []string{id}
	request.ShowDetail = ucloud.Bool(true)
	response, err := ask(b.nlb.DescribeNetworkLoadBalancers, request)
	if err != nil {
		return nil, err
	}
	if len(response.NLBs) != 1 {
		return nil, fmt.Errorf("there is no load balancer %s", id)
	}
	return &response.NLBs[0], nil
}

func (b *balancers) create(name string) (*nlb.NetworkLoadBalancer, error) {
	request := b.nlb.NewCreateNetworkLoadBalancerRequest()
	request.VPCId = ucloud.String(b.vpc)
	request.SubnetId = ucloud.String(b.subnet)
	request.Name = ucloud.String(name)
	request.ChargeType = ucloud.String("Dynamic")
	response, err := ask(b.nlb.CreateNetworkLoadBalancer, request)
	if err != nil {
		return nil, err
	}
	return b.get(response.NLBId)
}

func (b *balancers) ensureListeners(balancer *nlb.NetworkLoadBalancer, service *v1.Service, nodes []*v1.Node) error {
	for _, port := range service.Spec.Ports {
		at := slices.IndexFunc(balancer.Listeners, func(one nlb.Listener) bool {
			return one.Protocol == string(port.Protocol) && one.StartPort == int(port.Port)
		})
		listener := nlb.Listener{}
		if at >= 0 {
			listener = balancer.Listeners[at]
		} else {
			id, err := b.listen(balancer.NLBId, service, port)
			if err != nil {
				return err
			}
			listener.ListenerId = id
		}
		if err := b.ensureTargets(balancer.NLBId, listener, int(port.NodePort), nodes); err != nil {
			return err
		}
	}
	return nil
}

func (b *balancers) listen(balancer string, service *v1.Service, port v1.ServicePort) (string, error) {
	request := b.nlb.NewCreateNLBListenerRequest()
	request.NLBId = ucloud.String(balancer)
	request.Name = ucloud.String(fmt.Sprintf("%s-%d", strings.ToLower(string(port.Protocol)), port.Port))
	request.Remark = ucloud.String(string(service.UID))
	request.Protocol = ucloud.String(string(port.Protocol))
	request.StartPort = ucloud.Int(int(port.Port))
	request.EndPort = ucloud.Int(int(port.Port))
	request.StickinessTimeout = ucloud.Int(0)
	request.HealthCheckConfig = &nlb.CreateNLBListenerParamHealthCheckConfig{
		Enabled: ucloud.Bool(true),
		Type:    ucloud.String("Port"),
		Port:    ucloud.Int(checkPort),
	}
	response, err := ask(b.nlb.CreateNLBListener, request)
	return response.ListenerId, err
}

func (b *balancers) ensureTargets(balancer string, listener nlb.Listener, port int, nodes []*v1.Node) error {
	missing := map[string]bool{}
	for _, node := range nodes {
		missing[machineOf(node)] = true
	}
	var surplus []string
	for _, target := range listener.Targets {
		if missing[target.ResourceId] && target.Port == port {
			delete(missing, target.ResourceId)
		} else {
			surplus = append(surplus, target.Id)
		}
	}
	if len(missing) > 0 {
		request := b.nlb.NewAddNLBTargetsRequest()
		request.NLBId = ucloud.String(balancer)
		request.ListenerId = ucloud.String(listener.ListenerId)
		for machine := range missing {
			request.Targets = append(request.Targets, nlb.AddNLBTargetsParamTargets{
				ResourceType: ucloud.String("UHost"),
				ResourceId:   ucloud.String(machine),
				Port:         ucloud.Int(port),
				Enabled:      ucloud.Bool(true),
			})
		}
		if _, err := ask(b.nlb.AddNLBTargets, request); err != nil {
			return err
		}
	}
	if len(surplus) > 0 {
		request := b.nlb.NewRemoveNLBTargetsRequest()
		request.NLBId = ucloud.String(balancer)
		request.ListenerId = ucloud.String(listener.ListenerId)
		request.Ids = surplus
		if _, err := ask(b.nlb.RemoveNLBTargets, request); err != nil {
			return err
		}
	}
	return nil
}

// ensureAddress binds a public address of the balancer's name, and asks for one when none is left of an earlier try.
func (b *balancers) ensureAddress(balancer *nlb.NetworkLoadBalancer) (string, error) {
	id, ip, err := b.findAddress(balancer.Name)
	if err != nil {
		return "", err
	}
	if id == "" {
		request := b.unet.NewAllocateEIPRequest()
		request.OperatorName = ucloud.String("Bgp")
		request.Bandwidth = ucloud.Int(2)
		request.ChargeType = ucloud.String("Dynamic")
		request.PayMode = ucloud.String("Traffic")
		request.Name = ucloud.String(balancer.Name)
		response, err := ask(b.unet.AllocateEIP, request)
		if err != nil {
			return "", err
		}
		id, ip = response.EIPSet[0].EIPId, response.EIPSet[0].EIPAddr[0].IP
	}
	request := b.unet.NewBindEIPRequest()
	request.EIPId = ucloud.String(id)
	request.ResourceType = ucloud.String("ulb")
	request.ResourceId = ucloud.String(balancer.NLBId)
	_, err = ask(b.unet.BindEIP, request)
	return ip, err
}

func (b *balancers) findAddress(name string) (id, ip string, err error) {
	for offset := 0; ; offset += pageSize {
		request := b.unet.NewDescribeEIPRequest()
		request.Offset = ucloud.Int(offset)
		request.Limit = ucloud.Int(pageSize)
		response, err := ask(b.unet.DescribeEIP, request)
		if err != nil {
			return "", "", err
		}
		at := slices.IndexFunc(response.EIPSet, func(one unet.UnetEIPSet) bool { return one.Name == name })
		if at >= 0 {
			return response.EIPSet[at].EIPId, response.EIPSet[at].EIPAddr[0].IP, nil
		}
		if len(response.EIPSet) < pageSize {
			return "", "", nil
		}
	}
}

func isPublic(service *v1.Service) bool { return service.Annotations[existing] == "" }

func isInternet(one nlb.IPInfo) bool { return one.AddressType == "Internet" }

// statusOf prefers the public address.
func statusOf(balancer *nlb.NetworkLoadBalancer) *v1.LoadBalancerStatus {
	for _, fits := range []func(nlb.IPInfo) bool{isInternet, func(one nlb.IPInfo) bool { return one.Type == 1 }} {
		if at := slices.IndexFunc(balancer.IPInfos, fits); at >= 0 {
			return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: balancer.IPInfos[at].IP}}}
		}
	}
	return &v1.LoadBalancerStatus{}
}

// machineOf reads ucloud://cn-bj2-04/uhost-1.
func machineOf(node *v1.Node) string {
	return node.Spec.ProviderID[strings.LastIndex(node.Spec.ProviderID, "/")+1:]
}
