// Package e2e exists so that `go mod tidy` records what Kubernetes' own end-to-end tests need.
package e2e

import _ "k8s.io/kubernetes/test/e2e"
