"""A pull request played through with the real `az`: refused by the name of the pool, and with the printed fragment put
into the code it passes. The recipes of README.md are run as they stand."""
import json
import re
import shutil
import stat
import subprocess

import pytest
import yaml

from azext_lbplan.inputs.code.bodies import patched
from tests.support.cases import body, managed, pool
from tests.support.readme import README
from tests.support.schemas import junit_problems, sarif_problems
from tests.support.terraform import change, cluster, node_pool, plan
from tests.support.together import in_one_process
from tests.unit.inputs.code.test_manifests_of_clusters import CAPZ

AKS = 'azurerm_kubernetes_cluster.this'
RECIPES = re.findall(r'```yaml\n(.*?)```', README.read_text(encoding='utf-8'), re.DOTALL)


def of_terraform(fragment=''):
    """A plan that adds a pool, with the attributes of the fragment on the cluster."""
    after = cluster(ports=8000)
    after['network_profile'][0]['load_balancer_profile'][0].update(
        {key: int(value) for key, value in re.findall(r'(\w+)\s*=\s*(\d+)', fragment)})
    return json.dumps(plan(change(AKS, cluster(ports=8000), after),
                           change('azurerm_kubernetes_cluster_node_pool.batch', None, node_pool('batch', most=20))))


def of_what_if(fragment=''):
    """The same of Bicep."""
    count = int((re.findall(r'count: (\d+)', fragment) or [1])[0])
    pools = [pool('system', 3)]
    before, after = (body(one, **managed(ips), allocatedOutboundPorts=8000)
                     for one, ips in ((pools, 1), ([*pools, pool('batch', 2, max_count=20)], count)))
    return json.dumps({'status': 'Succeeded', 'changes': [
        {'changeType': 'Modify', 'resourceId': after['id'], 'before': before, 'after': after}]})


def of_capz(fragment=''):
    """The same of Cluster API: the fragment is a patch of the object of its kind and name."""
    documents = [json.loads(json.dumps(one)) for one in yaml.safe_load_all(CAPZ)]
    for patch in filter(None, yaml.safe_load_all(fragment)):
        at = next(number for number, one in enumerate(documents)
                  if (one['kind'], one['metadata']['name']) == (patch['kind'], patch['metadata']['name']))
        documents[at] = patched(documents[at], patch)
    return yaml.safe_dump_all(documents)


@pytest.mark.parametrize('code, language, added', [
    (of_terraform, 'terraform', 'batch'), (of_what_if, 'bicep', 'batch'), (of_capz, 'capz', None)])
def test_a_pool_too_many_is_refused_by_name_and_the_fragment_makes_it_pass(arm, az, tmp_path, code, language, added):
    (tmp_path / 'change').write_text(code())
    refused, = in_one_process(az, [
        f'plan --from-file {tmp_path}/change --fail-on error --report {tmp_path}/refused.md'])
    assert refused.code == 4 and 'PortsOvercommittedAtMaximum' in refused.stderr, str(refused)
    comment = (tmp_path / 'refused.md').read_text()
    assert 'Does not fit' in comment and comment.count('\n') < 40
    named = next(one for one in refused.json['findings'] if one['code'] == 'PortsOvercommittedAtMaximum')
    assert named['evidence']['pools'] and all(f"'{name}'" in comment for name in named['evidence']['pools'])
    assert refused.json['command'] is None and refused.json['noCommand']['reason'] == 'managedByCode'
    if added:  # a manifest does not tell what it starts from
        assert refused.json['current']['fits'] is True and f"adds node pool '{added}'" in comment
    fragment = refused.json['fragments'][language]
    assert [name for name, text in refused.json['fragments'].items() if text] == [language]
    assert all(line in comment for line in fragment.splitlines()), 'the comment holds what to paste'
    if language == 'terraform' and shutil.which('terraform'):
        done = subprocess.run(['terraform', 'fmt', '-check', '-'], input=fragment, text=True, capture_output=True,
                              check=False)
        assert done.returncode == 0, done.stderr
    (tmp_path / 'mended').write_text(code(fragment))
    mended, = in_one_process(az, [f'plan --from-file {tmp_path}/mended --baseline {tmp_path}/change --fail-on error '
                                  f'--report {tmp_path}/mended.md'])
    assert mended.code == 0 and mended.json['requested']['fits'] is True, str(mended)
    assert mended.json['noCommand']['reason'] == 'nothingToDo' and not any(mended.json['fragments'].values())
    assert 'PortsOvercommittedAtMaximum' in {one['code'] for one in mended.json['mended']}
    assert 'Mended since the baseline: ' in (tmp_path / 'mended.md').read_text()
    assert arm.requests == []


def stand_in(folder, name, text):
    """A program of that name that comes first on the path."""
    path = folder / 'bin' / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/bash\n{text}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run(az, folder, script):
    """A step, as a runner runs it: by a shell that ends at the first error."""
    return az.shell(f'set -eo pipefail\nPATH="{folder}/bin:$PATH"\ncd "{folder}"\n{script}')


def test_the_recipe_for_github_comments_gates_and_gives_sarif(arm, az, tmp_path):
    assert len(RECIPES) == 2 and all(recipe.count('\n') < 15 for recipe in RECIPES)
    (tmp_path / 'tfplan').write_text(of_terraform())
    stand_in(tmp_path, 'terraform', '[ "$*" = "show -json tfplan" ] && cat tfplan')
    stand_in(tmp_path, 'gh', '[ "$1 $2 $3 $4" = "pr comment 7 --body-file" ] && cp "$5" comment.md')
    comment, gate, upload = yaml.safe_load(RECIPES[0])
    first = run(az, tmp_path, comment['run'].replace('${{ github.event.number }}', '7'))
    assert first.code == 0 and 'batch' in (tmp_path / 'comment.md').read_text(), str(first)
    second = run(az, tmp_path, gate['run'])
    assert second.code == 4 and 'PortsOvercommittedAtMaximum' in second.stderr, str(second)
    log = json.loads((tmp_path / upload['with']['sarif_file']).read_text())
    assert upload['if'] == 'always()' and sarif_problems(log) == [] and log['runs'][0]['results']


def test_the_recipe_for_azure_pipelines_gates_and_gives_test_results(arm, az, tmp_path):
    gate, publish = yaml.safe_load(RECIPES[1])
    (tmp_path / 'answer.json').write_text(of_what_if())
    real = az.executable
    stand_in(tmp_path, 'az', 'if [ "$1" = deployment ]; then '
                             '[[ "$*" == *"what-if -g rg1 -f main.bicep --no-pretty-print"* ]] && cat answer.json; '
                             f'else exec "{real}" "$@"; fi')
    done = run(az, tmp_path, f'GROUP=rg1\n{gate["script"]}')
    assert done.code == 4 and 'PortsOvercommittedAtMaximum' in done.stderr, str(done)
    written = (tmp_path / publish['inputs']['testResultsFiles']).read_text()
    assert junit_problems(written) == [] and written.count('<failure') == 1 and 'batch' in written
    assert publish['condition'] == 'succeededOrFailed()'
