class Metrics:
    class DelegatingCounter:
        def inc(self, n=1):
            pass

    @classmethod
    def counter(cls, namespace, name):
        return cls.DelegatingCounter()
