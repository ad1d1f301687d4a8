"""The plot of the backtest: what each policy costs in IPs, and what it lets fail."""
from matplotlib.figure import Figure

from .report import MOST_FAILING, MOST_IPS, PLOT, REFERENCE, RESULTS, complete, failing, ips, names, predictable

#: Below this, a share of node-minutes is drawn as none.
FLOOR = 0.01


def draw(rows):
    """Write the plot beside RESULTS.md: a dot for each workload, a larger one for all together."""
    figure = Figure(figsize=(10, 6), dpi=110, layout='constrained')
    axes = figure.subplots()
    known = predictable(complete(rows))
    kinds = list(dict.fromkeys(row['kind'] for row in known))
    shown = [name for name in names(known) if name != REFERENCE]
    for number, name in enumerate(shown):
        span = 'later' if 'weekly' in name else 'second'
        groups = [[row for row in known if row['kind'] == kind] for kind in kinds]
        axes.scatter([ips(group, name, span) for group in groups],
                     [max(FLOOR, failing(group, name, span)) for group in groups], s=14, alpha=0.45,
                     color=f'C{number}')
        axes.scatter([ips(known, name, span)], [max(FLOOR, failing(known, name, span))], s=130, color=f'C{number}',
                     marker='D' if 'lbplan' in name else 'o', edgecolor='black', label=name, zorder=3)
    axes.axhspan(FLOOR / 2, MOST_FAILING, color='green', alpha=0.07)
    axes.axvline(MOST_IPS, color='green', linestyle=':', label=f'target: at most {MOST_IPS} × the IPs')
    axes.set_yscale('log')
    axes.set_xscale('log')
    axes.set_ylim(bottom=FLOOR / 2)
    axes.set_xticks([0.5, 0.75, 1, 1.27, 2, 3, 5], ['0.5', '0.75', '1', '1.27', '2', '3', '5'])
    axes.minorticks_off()
    axes.set_xlabel('outbound IPs ÷ clairvoyant\'s')
    axes.set_ylabel(f'node-minutes with failed connections, of 10,000 (at most {FLOOR:g}: none)')
    axes.set_title('Each policy after one week of metrics (small: each workload; green: the target)')
    axes.legend(loc='upper right', fontsize=8)
    figure.savefig(RESULTS.with_name(PLOT))
