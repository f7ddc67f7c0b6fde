// OpenFaaS' own reader of secrets, which the layout faasd must agree with, pinned.
module seal-tools/openfaas

go 1.25.0

require github.com/openfaas/go-sdk v0.2.22

require github.com/openfaas/faas-provider v0.25.8 // indirect
