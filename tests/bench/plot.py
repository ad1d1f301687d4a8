"""The plot of the backtest: what each policy costs in IPs, and what it lets fail."""
from matplotlib.figure import Figure

from .report import MOST_FAILING, MOST_IPS, PLOT, REFERENCE, RESULTS, complete, failing, ips, names, predictable

#: Below this, a share of node-minutes is drawn as none.
FLOOR = 0.01

OURS = 'black'


def draw(rows):
    """Write the plot beside RESULTS.md: all policies, and beside them those of lbplan, which lie close together."""
    figure = Figure(figsize=(12, 6), dpi=110, layout='constrained')
    left, right = figure.subplots(1, 2, width_ratios=(5, 3))
    known = predictable(complete(rows))
    shown = [name for name in names(known) if name != REFERENCE]
    _draw_all(left, known, shown)
    _draw_ours(right, known, [name for name in shown if 'lbplan' in name])
    figure.savefig(RESULTS.with_name(PLOT))


def _span(name):
    return 'later' if 'weekly' in name else 'second'


def _draw_all(axes, rows, shown):
    """A mark for each workload, a larger one for all together: failures over IPs."""
    kinds = list(dict.fromkeys(row['kind'] for row in rows))
    for number, name in enumerate(shown):
        ours, span = 'lbplan' in name, _span(name)
        color = OURS if ours else f'C{number}'
        groups = [[row for row in rows if row['kind'] == kind] for kind in kinds]
        for some, size, alpha in ((groups, 14, 0.35), ([rows], 120, 0.9)):
            axes.scatter([ips(group, name, span) for group in some],
                         [max(FLOOR, failing(group, name, span)) for group in some], s=size, alpha=alpha, color=color,
                         marker='D' if ours else 'o', zorder=3 if ours else 2,
                         label=name if size > 100 and not ours else None)
    axes.scatter([], [], s=120, color=OURS, marker='D', label='lbplan (on the right by policy)')
    axes.axhspan(FLOOR / 2, MOST_FAILING, color='green', alpha=0.07)
    axes.axvline(MOST_IPS, color='green', linestyle=':', label=f'target: at most {MOST_IPS} × the IPs')
    axes.set_yscale('log')
    axes.set_xscale('log')
    axes.set_ylim(bottom=FLOOR / 2)
    marks = (0.1, 0.25, 0.5, 0.75, 1, 1.27, 2, 3, 5)
    axes.set_xticks(marks, map(str, marks))
    axes.minorticks_off()
    axes.set_xlabel('outbound IPs ÷ clairvoyant\'s')
    axes.set_ylabel(f'node-minutes with failed connections, of 10,000 (at most {FLOOR:g}: none)')
    axes.set_title('Each policy after one week of metrics\n(small: each workload; green: the target)', fontsize=10)
    axes.legend(loc='lower left', fontsize=8)


def _draw_ours(axes, rows, shown):
    """The policies of lbplan by their IPs, with what failed."""
    for height, name in enumerate(reversed(shown)):
        span = _span(name)
        axes.scatter(ips(rows, name, span), height, s=70, color=OURS, marker='D')
        axes.annotate(f'{failing(rows, name, span):.2f}', (ips(rows, name, span), height), xytext=(9, -3),
                      textcoords='offset points', fontsize=8)
    axes.axvline(MOST_IPS, color='green', linestyle=':')
    axes.set_yticks(range(len(shown)), list(reversed(shown)), fontsize=8)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.margins(x=0.2)
    axes.set_xlabel('outbound IPs ÷ clairvoyant\'s')
    axes.set_title('lbplan; beside the marks: failing\nnode-minutes of 10,000', fontsize=10)
