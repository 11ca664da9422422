# A thin front; the work is in tools/. README.md shows the two commands.
.PHONY: help build run check install uninstall bench soak lint fmt fuzz fresh clean distclean
.DEFAULT_GOAL := help

help:
	@echo 'make run      install what is missing, build, start Fairlead with its demonstration (Ctrl-C ends it)'
	@echo 'make check    install what tests need, run every test; ends with "N passed, N failed"'
	@echo 'make build    leave build/fairlead and build/fairleadd'
	@echo 'make lint     layers, lengths, formatting, cppcheck, clang-tidy, -fanalyzer, manual pages'
	@echo 'make fmt      format the sources'
	@echo 'make fuzz     every fuzz target for FUZZ_SECONDS (60)'
	@echo 'make bench    figures, beside other log servers and databases (about an hour; BENCH_ROWS=1000000 is quick)'
	@echo 'make soak     power loss, failing calls, kill -9 at 200 moments, bad neighbours, forty days of a clock (some 20 min)'
	@echo 'make fresh    both commands in a new Debian 12 root (needs root)'
	@echo 'make install  programs, screen, manual, unit, completion below PREFIX (/usr/local), DESTDIR; make uninstall'
	@echo 'make clean    remove what was built, keep the compiled SQLite; distclean removes that too'
	@echo 'FAIRLEAD_DEMO=0 make run starts empty; FAIRLEAD_HOME names the data folder (build/run)'

build:
	@tools/bootstrap run
	@tools/build release programs
	@tools/web

run: build
	@tools/run

check:
	@tools/bootstrap run check
	@tools/check

lint:
	@tools/bootstrap run check
	@tools/check static lint

fmt:
	@tools/bootstrap check
	@find src tests -name '*.[ch]' -print0 | xargs -0 clang-format -i

fuzz:
	@tools/bootstrap run check
	@tools/fuzz

bench:
	@tools/bootstrap run check
	@tools/bench

soak:
	@tools/bootstrap run check
	@tools/soak

fresh:
	@tools/bootstrap fresh
	@tools/fresh

install: build
	@tools/install

uninstall:
	@tools/install uninstall

# build/run holds data, so it stays: remove it by hand.
clean:
	@rm -rf build/release build/asan build/tsan build/fuzz build/log build/fairlead build/fairleadd

distclean: clean
	@rm -rf build/cache
