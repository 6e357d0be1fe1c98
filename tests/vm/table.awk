# SPDX-License-Identifier: BSD-2-Clause
# Sum up the rows' logs, one file a kernel, into a table: passed, failed and skipped of each suite, then
# what was skipped and why. Ends with the line of tests/run; exits with 1 when something failed.

FNR == 1 {
	kernel[++rows] = FILENAME
	file = "row"
	release[rows] = "did not start"
	minutes[rows] = "-"
}

$1 == "kernel" && NF == 2 { release[rows] = $2 }

$1 == "seconds" && NF == 2 { minutes[rows] = sprintf("%d:%02d", $2 / 60, $2 % 60) }

/^(passed|FAILED) +[a-z0-9]+\/[^ ]+ +[0-9]+ passed/ {
	file = $2
	suite = $2
	sub(/\/.*/, "", suite)
	add(suite, $3, $5, $7)
}

# A guest or a runner that did not come to its end is a failure of its own.
/^row ended: / {
	add("kernel", 0, 1, 0)
	failures[++broken] = FILENAME "  " $0
}

/^    FAIL / { failures[++broken] = FILENAME "  " file " " $2 }

# Why, for a reader who has this table and not the rows.
/^        FAILED at / { failures[broken] = failures[broken] "\n" substr($0, 3, 1000) }

/^    \[  FAILED  \] [a-z]/ && !((FILENAME, file, $4) in known) {
	known[FILENAME, file, $4]
	failures[++broken] = FILENAME "  " file " " $4
}

/^    skip / {
	sub(/^    skip /, "")
	skip = file " " $0
	if (!(skip in where))
		skips[++different] = skip
	where[skip] = where[skip] (where[skip] ? " " : "") FILENAME
}

function add(suite, p, f, s)
{
	if (!(suite in column)) {
		column[suite]
		suites[++columns] = suite
	}
	passed[rows, suite] += p
	failed[rows, suite] += f
	skipped[rows, suite] += s
	all_passed += p
	all_failed += f
	all_skipped += s
}

function cell(row, suite)
{
	if (!((row, suite) in passed))
		return "-"
	return passed[row, suite] " / " failed[row, suite] " / " skipped[row, suite]
}

END {
	printf "\n%-8s %-28s", "kernel", "passed / failed / skipped:"
	for (i = 1; i <= columns; i++)
		printf "%14s", suites[i]
	printf "%10s\n", "minutes"
	for (row = 1; row <= rows; row++) {
		printf "%-8s %-28s", kernel[row], release[row]
		for (i = 1; i <= columns; i++)
			printf "%14s", cell(row, suites[i])
		printf "%10s\n", minutes[row]
	}
	if (broken)
		print "\nfailed"
	for (i = 1; i <= broken; i++)
		print "  " failures[i]
	if (different)
		print "\nskipped"
	for (i = 1; i <= different; i++)
		printf "  %-22s %s\n", where[skips[i]], skips[i]
	if (rows && !columns)
		all_failed++
	printf "\n%d passed, %d failed, %d skipped\n", all_passed, all_failed, all_skipped
	exit all_failed > 0
}
