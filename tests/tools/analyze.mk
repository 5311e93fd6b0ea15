# analyze.mk: `make analyze`, in the build directory: three static analysers over the sources that are installed: gcc -fanalyzer,
# clang-tidy (.clang-tidy says which checks, and why not the others) and cppcheck. Clean, or suppressed with a reason in place.
#
# What was found clean is remembered in analyze/, one file for each source and tool, and looked at again when the source, one of its
# headers or the rules have changed. So whoever changed one source waits for that one, and a run that was stopped goes on.
# From the caller: srcdir, and ANALYZE_CFLAGS, the compiler's options.
TOOLS = gcc clang-tidy cppcheck
FOLDERS = schema authd milter admin
SOURCES := $(filter-out %.pb-c.c,$(wildcard $(FOLDERS:%=$(srcdir)/%/*.c)))
HEADERS := $(wildcard $(FOLDERS:%=$(srcdir)/%/*.h)) $(wildcard schema/records.pb-c.h) $(srcdir)/tests/tools/cppcheck.h
NAMES := $(SOURCES:$(srcdir)/%.c=%)
STAMPS := $(foreach tool,$(filter-out cppcheck,$(TOOLS)),$(NAMES:%=analyze/$(tool)/%))
STAMPS += $(patsubst %,analyze/%.all,$(filter cppcheck,$(TOOLS)))
RUN = $(srcdir)/tests/tools/analyze.sh

clean: $(STAMPS)
	@echo $@
.PHONY: clean

analyze/gcc/%: $(srcdir)/%.c analyze/gcc.planted
	@$(RUN) gcc $@ $<
analyze/clang-tidy/%: $(srcdir)/%.c analyze/clang-tidy.planted $(srcdir)/.clang-tidy
	@$(RUN) clang-tidy $@ $<
# It takes all sources at once: what it finds may lie between two.
analyze/cppcheck.all: $(SOURCES) $(HEADERS) analyze/cppcheck.planted
	@$(RUN) cppcheck $@ $(SOURCES)

# An analyser that finds nothing anywhere looks like a clean one. (So did cppcheck, once, for an option that it could not read.)
$(TOOLS:%=analyze/%.planted): analyze/%.planted: $(srcdir)/tests/tools/planted.c $(RUN) $(srcdir)/tests/tools/cppcheck.h
	@mkdir -p analyze
	@$(RUN) $* $@ $< >$@.out 2>&1; grep -q 'double-free\|doubleFree\|free released memory' $@.out || \
		{ cat $@.out; echo "$* does not find the mistake in $<"; exit 1; }
	@touch $@

-include $(STAMPS:%=%.d)
