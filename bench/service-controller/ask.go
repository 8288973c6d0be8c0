package main

import (
	"errors"
	"time"

	uerr "github.com/ucloud/ucloud-sdk-go/ucloud/error"
	"k8s.io/apimachinery/pkg/util/wait"
)

// tooManyCalls is the gateway's RetCode.
const tooManyCalls = 153

// ask repeats a call that was refused as one too many. The SDK repeats none of them; left to the service controller, which comes back after
// 5 s, then 10 s and up to 300 s, Services that were refused together come back together and are refused again.
func ask[Request, Response any](call func(Request) (Response, error), request Request) (Response, error) {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 12, Cap: 8 * time.Second}
	for {
		response, err := call(request)
		var refusal uerr.Error
		if !errors.As(err, &refusal) || refusal.Code() != tooManyCalls || backoff.Steps < 1 {
			return response, err
		}
		time.Sleep(backoff.Step())
	}
}
