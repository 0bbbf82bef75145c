package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

const notesFile = "NOTES.txt"

// All documents in the order of their files, or the notes alone.
func (c *chart) render(values object, args arguments) (string, error) {
	name, _ := c.metadata["name"].(string)
	if err := c.checkKubeVersion(args.kubeVersion); err != nil {
		return "", err
	}
	root := template.New(name).Option("missingkey=zero")
	root.Funcs(c.functions(root))
	lookup, err := lookupIn(args.cluster, args.namespace)
	if err != nil {
		return "", err
	}
	root.Funcs(template.FuncMap{"lookup": lookup})
	for file, text := range c.templates {
		if _, err := root.New(path.Join(name, file)).Parse(text); err != nil {
			return "", err
		}
	}

	var output strings.Builder
	for _, file := range c.outputs(args.notes) {
		data := c.data(values, args)
		data["Template"] = object{"Name": path.Join(name, file), "BasePath": path.Join(name, "templates")}
		text, err := execute(root, path.Join(name, file), data)
		if err != nil {
			return "", err
		}
		text = withoutMissing(text)
		if args.notes {
			output.WriteString(text)
		} else if strings.TrimSpace(text) != "" {
			fmt.Fprintf(&output, "---\n# Source: %s\n%s\n", path.Join(name, file), strings.TrimSpace(text))
		}
	}
	return output.String(), nil
}

func (c *chart) outputs(notes bool) []string {
	var files []string
	for file := range c.templates {
		base := path.Base(file)
		if !strings.HasPrefix(base, "_") && (base == notesFile) == notes {
			files = append(files, file)
		}
	}
	sort.Strings(files)
	return files
}

func (c *chart) data(values object, args arguments) object {
	about := object{}
	for key, value := range c.metadata {
		about[strings.ToUpper(key[:1])+key[1:]] = value
	}
	version := strings.Split(strings.TrimPrefix(args.kubeVersion, "v"), ".")
	return object{
		"Values": values,
		"Chart":  about,
		"Files":  chartFiles(c.files),
		"Release": object{
			"Name": args.release, "Namespace": args.namespace, "Service": "Helm", "Revision": 1,
			"IsInstall": !args.upgrade, "IsUpgrade": args.upgrade,
		},
		"Capabilities": object{
			"KubeVersion": object{"Version": args.kubeVersion, "Major": version[0], "Minor": version[1]},
			"APIVersions": apiVersions{},
		},
	}
}

func (c *chart) checkKubeVersion(version string) error {
	constraint, ok := c.metadata["kubeVersion"].(string)
	if !ok {
		return nil
	}
	fits, err := execute(template.Must(template.New("").Funcs(sprig.TxtFuncMap()).Parse("{{ semverCompare .c .v }}")), "", object{"c": constraint, "v": version})
	if err == nil && fits != "true" {
		err = fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", constraint, version)
	}
	return err
}

func execute(root *template.Template, name string, data interface{}) (string, error) {
	var buffer bytes.Buffer
	if err := root.ExecuteTemplate(&buffer, name, data); err != nil {
		return "", err
	}
	return buffer.String(), nil
}

// A missing key of a map of anything prints so, whatever 'missingkey' says. Helm takes it out of whole files and of what tpl makes, not of
// what one template includes of another.
func withoutMissing(text string) string {
	return strings.ReplaceAll(text, "<no value>", "")
}

// What helm adds to sprig.
func (c *chart) functions(root *template.Template) template.FuncMap {
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	functions["fromYaml"] = func(text string) object {
		value := object{}
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			value["Error"] = err.Error()
		}
		return value
	}
	functions["fromYamlArray"] = func(text string) []interface{} {
		value := []interface{}{}
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return []interface{}{err.Error()}
		}
		return value
	}
	functions["toJson"] = func(value interface{}) string {
		text, _ := json.Marshal(value)
		return string(text)
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	functions["lookup"] = func(apiVersion, kind, namespace, name string) (object, error) { return object{}, nil }
	functions["include"] = func(name string, data interface{}) (string, error) { return execute(root, name, data) }
	functions["tpl"] = func(text string, data interface{}) (string, error) {
		clone, err := root.Clone()
		if err != nil {
			return "", err
		}
		if _, err := clone.New("tpl").Parse(text); err != nil {
			return "", err
		}
		made, err := execute(clone, "tpl", data)
		return withoutMissing(made), err
	}
	return functions
}

// Files of the chart that are no templates: .Files.Get and .Files.Glob.
type chartFiles map[string]string

func (f chartFiles) Get(name string) string { return f[name] }

func (f chartFiles) Glob(pattern string) chartFiles {
	expression := regexp.MustCompile("^" + strings.ReplaceAll(strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*\*`, ".*"), `\*`, "[^/]*") + "$")
	found := chartFiles{}
	for name, text := range f {
		if expression.MatchString(name) {
			found[name] = text
		}
	}
	return found
}

func (f chartFiles) AsConfig() string {
	config := map[string]string{}
	for name, text := range f {
		config[path.Base(name)] = text
	}
	text, _ := yaml.Marshal(config)
	return strings.TrimSuffix(string(text), "\n")
}

// No cluster here: only what every cluster has.
type apiVersions struct{}

func (apiVersions) Has(version string) bool {
	return version == "v1" || version == "apps/v1" || version == "batch/v1" || version == "autoscaling/v2" || version == "networking.k8s.io/v1" || version == "policy/v1"
}
