module isthmus.dev/lab/toolchain/charts

go 1.26.0

// Nothing of it is built: the module holds the chart of its project.
require k8s.io/ingress-nginx v0.0.0-20240708192948-52c50467d67d
