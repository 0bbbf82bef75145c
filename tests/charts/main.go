// Renders a chart as `helm template` does, where helm is not installed: the same template engine (text/template), the same functions
// (sprig), helm's own few on top. It takes helm's arguments, so that tests may run either.
//
//	render template RELEASE CHART [--namespace N] [-f FILE]... [--set a.b=c]... [--set-string a.b=c]... [--set-json a.b={...}]...
//	       [--kube-version V] [--is-upgrade] [--notes] [--cluster FILE | --cluster forbidden]
//	render json
//	render ownership
//
// --cluster is not helm's: the resources that `lookup` finds, or the answer that whoever deploys may read none of Dapr's namespace.
// `json` is not helm's either: a list of the documents on standard input, with the types that the API server sees in them.
// `ownership`: what server-side apply makes of steps on standard input; see ownership.go.
//
// Built with Debian's packages golang-go, golang-github-masterminds-sprig-dev, golang-k8s-sigs-yaml-dev and
// golang-k8s-sigs-structured-merge-diff-dev; no module is downloaded.
package main

import (
	"fmt"
	"os"
)

type arguments struct {
	release, chart, namespace, kubeVersion, cluster string
	files                                           []string
	sets                                            []setting
	upgrade, notes                                  bool
}

// --set and its kind.
type setting struct{ kind, line string }

func main() {
	var err error
	if len(os.Args) == 2 && os.Args[1] == "json" {
		err = readAsKubernetes(os.Stdin, os.Stdout)
	} else if len(os.Args) == 2 && os.Args[1] == "ownership" {
		err = runOwnership(os.Stdin, os.Stdout)
	} else {
		var args arguments
		if args, err = parse(os.Args[1:]); err == nil {
			err = run(args)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args arguments) error {
	chart, err := loadChart(args.chart)
	if err != nil {
		return err
	}
	values, err := chart.valuesWith(args.files, args.sets)
	if err != nil {
		return err
	}
	if problems := validate(chart.schema, values); len(problems) > 0 {
		return schemaError(problems)
	}
	text, err := chart.render(values, args)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return nil
}

func parse(args []string) (arguments, error) {
	parsed := arguments{namespace: "default", kubeVersion: "v1.31.0"}
	if len(args) < 3 || args[0] != "template" {
		return parsed, fmt.Errorf("usage: render template RELEASE CHART [flags]")
	}
	parsed.release, parsed.chart = args[1], args[2]
	for i := 3; i < len(args); i++ {
		flag := args[i]
		switch flag {
		case "--is-upgrade":
			parsed.upgrade = true
			continue
		case "--notes":
			parsed.notes = true
			continue
		}
		i++
		if i == len(args) {
			return parsed, fmt.Errorf("flag %s needs a value", flag)
		}
		switch flag {
		case "--namespace", "-n":
			parsed.namespace = args[i]
		case "--cluster":
			parsed.cluster = args[i]
		case "--kube-version":
			parsed.kubeVersion = args[i]
		case "--values", "-f":
			parsed.files = append(parsed.files, args[i])
		case "--set", "--set-string", "--set-json":
			parsed.sets = append(parsed.sets, setting{flag, args[i]})
		default:
			return parsed, fmt.Errorf("unknown flag %s", flag)
		}
	}
	return parsed, nil
}
