// Follows all pods with client-go's informer and tells what that costs: the peer of ../follow.ts, which does the same with
// our client and prints the same lines.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Access is what ../kube.ts writes for both programs.
type Access struct {
	Server            string
	CA                string
	ClientCertificate struct{ Certificate, Key string }
}

// Report is one line of output.
type Report struct {
	Phase   string  `json:"phase"`
	Objects int     `json:"objects"`
	Digest  string  `json:"digest"`
	CPU     float64 `json:"cpuMs"`
	RSS     int     `json:"rssKiB"`
	Peak    int     `json:"peakKiB"`
	Heap    int     `json:"heapKiB"`
}

func main() {
	accessFile := flag.String("access", "", "JSON file with server, ca and clientCertificate")
	keep := flag.String("keep", "all", "what stays in the cache: all or little")
	wire := flag.String("wire", "json", "json or protobuf")
	end := flag.String("end", "", "namespace/name of the pod that comes last")
	flag.Parse()

	informer := informerFor(clientFor(*accessFile, *wire), *keep)
	ended := make(chan struct{})
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if key, _ := cache.MetaNamespaceKeyFunc(obj); key == *end {
				close(ended)
			}
		},
		UpdateFunc: func(_, _ any) {},
		DeleteFunc: func(_ any) {},
	})
	check(err)

	start := cpuMs()
	go informer.Run(make(chan struct{}))
	if !cache.WaitForCacheSync(make(chan struct{}), informer.HasSynced) {
		log.Fatal("the informer did not sync")
	}
	report("synced", informer, cpuMs()-start)

	start = cpuMs()
	fmt.Println(`{"phase":"ready"}`)
	<-ended
	report("changed", informer, cpuMs()-start)
}

func clientFor(accessFile, wire string) kubernetes.Interface {
	text, err := os.ReadFile(accessFile)
	check(err)
	var access Access
	check(json.Unmarshal(text, &access))
	config := &rest.Config{
		Host: access.Server,
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   []byte(access.CA),
			CertData: []byte(access.ClientCertificate.Certificate),
			KeyData:  []byte(access.ClientCertificate.Key),
		},
	}
	// Both said outright: left alone, the client takes protobuf.
	config.ContentType = map[string]string{"json": "application/json", "protobuf": "application/vnd.kubernetes.protobuf"}[wire]
	config.AcceptContentTypes = config.ContentType
	client, err := kubernetes.NewForConfig(config)
	check(err)
	return client
}

func informerFor(client kubernetes.Interface, keep string) cache.SharedIndexInformer {
	informer := informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer()
	if keep == "little" {
		check(informer.SetTransform(little))
	}
	return informer
}

// The fields that ../follow.ts keeps as well.
func little(obj any) (any, error) {
	pod, ok := obj.(*v1.Pod)
	if !ok {
		return obj, nil
	}
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: pod.ResourceVersion, Labels: pod.Labels,
		},
		Spec:   v1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: v1.PodStatus{Phase: pod.Status.Phase, PodIP: pod.Status.PodIP},
	}, nil
}

func report(phase string, informer cache.SharedIndexInformer, cpu float64) {
	// Whole before the digest is made: making it leaves garbage of its own.
	runtime.GC()
	debug.FreeOSMemory()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	rss, peak := statusKiB("VmRSS"), statusKiB("VmHWM")
	objects, digest := digestOf(informer)
	check(json.NewEncoder(os.Stdout).Encode(Report{phase, objects, digest, cpu, rss, peak, int(memory.HeapAlloc / 1024)}))
}

func digestOf(informer cache.SharedIndexInformer) (int, string) {
	var lines []string
	for _, obj := range informer.GetStore().List() {
		pod := obj.(*v1.Pod)
		labels := []string{}
		for name, value := range pod.Labels {
			labels = append(labels, name+"="+value)
		}
		slices.Sort(labels)
		lines = append(lines, strings.Join([]string{
			pod.Namespace + "/" + pod.Name, string(pod.UID), pod.ResourceVersion, pod.Spec.NodeName, string(pod.Status.Phase),
			pod.Status.PodIP, strings.Join(labels, ","),
		}, " "))
	}
	slices.Sort(lines)
	return len(lines), fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))
}

func cpuMs() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(time.Duration(usage.Utime.Nano()+usage.Stime.Nano()).Microseconds()) / 1000
}

func statusKiB(field string) int {
	text, err := os.ReadFile("/proc/self/status")
	check(err)
	for line := range bytes.Lines(text) {
		var kib int
		if rest, found := bytes.CutPrefix(line, []byte(field+":")); found {
			_, err = fmt.Sscan(string(rest), &kib)
			check(err)
			return kib
		}
	}
	log.Fatalf("/proc/self/status has no %s", field)
	return 0
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
